import Domain
import NIOCore

/// Writes server-sent events.
struct EventText: Sendable {
    /// The first half of every id.
    let run: String

    /// Writes an event whose data is written by `data`, which must write no line's end.
    ///
    /// `sequence` is 0 where a stream that breaks off after it has to begin anew.
    func write(
        _ name: StaticString,
        _ sequence: UInt64,
        to buffer: inout ByteBuffer,
        _ data: (inout ByteBuffer) -> Void
    ) {
        buffer.writeStaticString("id: ")
        buffer.writeString(run)
        buffer.writeStaticString("-")
        buffer.writeString(String(sequence))
        buffer.writeStaticString("\nevent: ")
        buffer.writeStaticString(name)
        buffer.writeStaticString("\ndata: ")
        data(&buffer)
        buffer.writeStaticString("\n\n")
    }

    /// What was sent before is void; what follows is everything.
    func writeReset(_ sequence: UInt64, at now: Timestamp, to buffer: inout ByteBuffer) {
        write("reset", sequence, to: &buffer) { buffer in
            var object = JSONObjectWriter(&buffer)
            object.member("as_of", now, into: &buffer)
            object.end(&buffer)
        }
    }

    func writeRemoved(_ agentID: String, _ sequence: UInt64, to buffer: inout ByteBuffer) {
        write("removed", sequence, to: &buffer) { Self.writeRemoval(of: agentID, to: &$0) }
    }

    /// Writes the data of the event that says that an agent is not in view any more.
    static func writeRemoval(of agentID: String, to buffer: inout ByteBuffer) {
        var object = JSONObjectWriter(&buffer)
        object.member("agent_id", agentID, into: &buffer)
        object.end(&buffer)
    }

    /// How the engines do.
    ///
    /// Without an id: it stands for now, and every stream begins with it.
    static func writePulse(_ engines: [EnginePulse], at now: Timestamp, to buffer: inout ByteBuffer) {
        buffer.writeStaticString("event: pulse\ndata: ")
        var object = JSONObjectWriter(&buffer)
        object.member("as_of", now, into: &buffer)
        object.name("engines", into: &buffer)
        buffer.writeJSONArray(engines) { $0.write(to: &$1) }
        object.end(&buffer)
        buffer.writeStaticString("\n\n")
    }

    /// The last word of a stream whose watcher may watch no more: its session is over, or its key was revoked.
    static func writeSignedOut(to buffer: inout ByteBuffer) {
        buffer.writeStaticString("event: signed_out\ndata: {}\n\n")
    }

    /// The comment that says that the stream is alive and up to date, with the database's time; nothing else says so.
    static func writeAlive(_ now: Timestamp, to buffer: inout ByteBuffer) {
        buffer.writeStaticString(": alive ")
        buffer.writeBytes(now.rfc3339Bytes)
        buffer.writeStaticString("\n\n")
    }

    /// The comment that keeps the connection open while the database does not answer.
    ///
    /// It is no sign of life.
    static func writeWaiting(to buffer: inout ByteBuffer) {
        buffer.writeStaticString(": waiting for the database\n\n")
    }

    /// An event's id.
    func id(_ sequence: UInt64) -> String { "\(run)-\(sequence)" }

    /// The sequence in a `Last-Event-ID`; `nil` for one of another run or replica.
    func sequence(in lastEventID: String?) -> UInt64? {
        guard let lastEventID, let dash = lastEventID.lastIndex(of: "-"), lastEventID[..<dash] == run else {
            return nil
        }
        return UInt64(lastEventID[lastEventID.index(after: dash)...])
    }
}
