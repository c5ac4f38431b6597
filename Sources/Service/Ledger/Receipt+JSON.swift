import Domain
import NIOCore

extension Receipt {
    /// Writes the receipt as one JSON object.
    ///
    /// By hand, as one is written for every clock event.
    func write(to buffer: inout ByteBuffer) {
        var object = JSONObjectWriter(&buffer)
        object.member("event_id", eventID, into: &buffer)
        object.member("agent_id", agentID, into: &buffer)
        object.member("kind", kind.rawValue, into: &buffer)
        object.member("occurred_at", occurredAt, into: &buffer)
        object.member("received_at", receivedAt, into: &buffer)
        object.member("sequence", sequence, into: &buffer)
        object.member("replayed", isReplay, into: &buffer)
        object.member("effect", effect.rawValue, into: &buffer)
        object.name("desired", into: &buffer)
        if let agent {
            var desired = JSONObjectWriter(&buffer)
            desired.member("state", agent.desired.rawValue, into: &buffer)
            desired.member("generation", agent.generation, into: &buffer)
            desired.member("rule", agent.rule.rawValue, into: &buffer)
            desired.end(&buffer)
        } else {
            buffer.writeStaticString("null")
        }
        object.name("warnings", into: &buffer)
        buffer.writeJSONArray(warnings) { $1.writeJSON($0) }
        object.end(&buffer)
    }
}
