import Domain
import NIOCore

/// What a call did to a session.
enum Effect: String, Sendable {
    case none, started, stopped, restarted, created, deleted
    case loggedOut = "logged_out"
}

/// Every call that came, as the outside saw it: the evidence that tests are judged by.
struct CallLog {
    struct Entry {
        /// Counts from 0, without gaps.
        let number: Int
        let operation: Operation
        let instanceID: String
        /// Which of the simulator's tokens it came with, in their alphabetical order; `nil` for another, or where there is but one.
        let caller: Int?
        let received: RealTime
        /// The simulator's own time of receipt.
        let simulated: Timestamp
        /// The session's status when the call came; `nil` for an unknown one.
        var before: SessionStatus?
        var effect = Effect.none
        /// 0 when no answer was given.
        var httpStatus = 0
        /// `nil` while the call waits.
        var answered: RealTime?
    }

    private let limit: Int
    private var entries: [Entry] = []
    /// How many calls came in all.
    private(set) var total = 0
    private(set) var counts: [Operation: Int] = [:]

    /// - Parameter limit: how many entries are kept.
    init(limit: Int) {
        self.limit = max(limit, 1)
    }

    /// Notes a call and returns its number.
    mutating func append(
        _ operation: Operation,
        instanceID: String,
        caller: Int?,
        received: RealTime,
        simulated: Timestamp
    ) -> Int {
        let entry = Entry(
            number: total,
            operation: operation,
            instanceID: instanceID,
            caller: caller,
            received: received,
            simulated: simulated
        )
        if entries.count < limit { entries.append(entry) } else { entries[total % limit] = entry }
        counts[operation, default: 0] += 1
        total += 1
        return entry.number
    }

    /// Completes an entry, if it is still kept.
    mutating func update(_ number: Int, _ change: (inout Entry) -> Void) {
        guard number < total, total - number <= entries.count else { return }
        change(&entries[number % limit])
    }

    /// The kept entries from a number on, oldest first.
    func entries(since number: Int, limit count: Int) -> [Entry] {
        let first = max(number, total - entries.count)
        guard first < total, count > 0 else { return [] }
        return (first..<min(total, first + count)).map { entries[$0 % limit] }
    }
}

extension CallLog.Entry {
    /// Appends the entry as one JSON object.
    func write(to buffer: inout ByteBuffer) {
        buffer.writeString("{\"number\":\(number),\"operation\":\"\(operation.rawValue)\",\"instance_id\":")
        buffer.writeJSON(instanceID)
        if let caller { buffer.writeString(",\"caller\":\(caller)") }
        buffer.writeString(",\"before\":")
        if let before { buffer.writeJSON(before.word) } else { buffer.writeStaticString("null") }
        buffer.writeString(",\"effect\":\"\(effect.rawValue)\",\"http_status\":\(httpStatus)")
        buffer.writeString(",\"received_monotonic_us\":\(received.monotonic),\"received_at_us\":\(received.wall)")
        buffer.writeString(",\"simulated_at\":\"\(simulated.rfc3339)\"")
        if let answered {
            buffer.writeString(",\"answered_monotonic_us\":\(answered.monotonic),\"answered_at_us\":\(answered.wall)}")
        } else {
            buffer.writeStaticString(",\"answered_monotonic_us\":null,\"answered_at_us\":null}")
        }
    }
}
