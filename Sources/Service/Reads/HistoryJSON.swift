import Domain
package import NIOCore

extension LedgerEntry {
    /// Writes the event, and whether it counts.
    func write(to buffer: inout ByteBuffer) {
        var object = JSONObjectWriter(&buffer)
        object.member("sequence", punch.sequence, into: &buffer)
        object.member("kind", punch.kind.rawValue, into: &buffer)
        object.member("occurred_at", occurredAt, into: &buffer)
        object.member("effective_at", punch.effectiveAt, into: &buffer)
        object.member("received_at", receivedAt, into: &buffer)
        object.member("source", source, into: &buffer)
        object.member("event_id", eventID, into: &buffer)
        object.member("record", punch.record?.id, into: &buffer)
        object.member("stands", standing == .stands, into: &buffer)
        object.member("standing", standing.rawValue, into: &buffer)
        object.member("standing_text", standing == .stands ? nil : standing.sentence, into: &buffer)
        object.end(&buffer)
    }
}

extension CommandEntry {
    /// Writes the command with what came of it, as far as that is known.
    func write(to buffer: inout ByteBuffer) {
        var object = JSONObjectWriter(&buffer)
        object.member("action", action, into: &buffer)
        object.member("reason", reason, into: &buffer)
        object.member("reason_text", Reason(rawValue: reason)?.commandSentence, into: &buffer)
        object.member("intended_at", intendedAt, into: &buffer)
        object.member("sent_at", sentAt, into: &buffer)
        object.member("ended_at", endedAt, into: &buffer)
        object.member("verdict", verdict, into: &buffer)
        object.member("claim", claim, into: &buffer)
        object.member("http_status", httpStatus, into: &buffer)
        object.end(&buffer)
    }
}

extension Timeline.Interval {
    /// Writes one stretch in which something stayed the same.
    func write(to buffer: inout ByteBuffer) {
        var object = JSONObjectWriter(&buffer)
        object.member("from", from, into: &buffer)
        object.member("to", to, into: &buffer)
        object.member("state", state, into: &buffer)
        object.member("reason", reason, into: &buffer)
        object.end(&buffer)
    }
}

extension Timeline {
    /// Writes the timeline from one instant to another, with the events and commands behind it.
    func write(
        agentID: String,
        from: Timestamp,
        to: Timestamp,
        events: [LedgerEntry],
        commands: [CommandEntry],
        to buffer: inout ByteBuffer
    ) {
        var object = JSONObjectWriter(&buffer)
        object.member("agent_id", agentID, into: &buffer)
        object.member("from", from, into: &buffer)
        object.member("to", to, into: &buffer)
        object.name("shift", into: &buffer)
        buffer.writeJSONArray(shift) { $0.write(to: &$1) }
        object.name("desired", into: &buffer)
        buffer.writeJSONArray(desired) { $0.write(to: &$1) }
        object.name("observed", into: &buffer)
        buffer.writeJSONArray(observed) { $0.write(to: &$1) }
        object.name("events", into: &buffer)
        buffer.writeJSONArray(events) { $0.write(to: &$1) }
        object.name("commands", into: &buffer)
        buffer.writeJSONArray(commands) { $0.write(to: &$1) }
        object.end(&buffer)
    }
}

extension Incident {
    /// Writes the incident as a caller sees it.
    func write(to buffer: inout ByteBuffer) {
        var object = JSONObjectWriter(&buffer)
        object.member("id", id, into: &buffer)
        object.member("engine", engine, into: &buffer)
        object.member("source", source, into: &buffer)
        object.member("kind", kind, into: &buffer)
        object.member("opened_at", openedAt, into: &buffer)
        object.member("closed_at", closedAt, into: &buffer)
        object.member("detail", detail, into: &buffer)
        object.member("agents", agents, into: &buffer)
        object.member("change", change, into: &buffer)
        object.end(&buffer)
    }
}

extension UnmatchedEvent {
    /// Writes the event and why it is unmatched.
    func write(to buffer: inout ByteBuffer) {
        var object = JSONObjectWriter(&buffer)
        object.member("sequence", sequence, into: &buffer)
        object.member("source", source, into: &buffer)
        object.member("external_id", externalID, into: &buffer)
        object.member("kind", kind, into: &buffer)
        object.member("occurred_at", occurredAt, into: &buffer)
        object.member("received_at", receivedAt, into: &buffer)
        object.member("event_id", eventID, into: &buffer)
        object.member("expired", isExpired, into: &buffer)
        object.member("reason", reason, into: &buffer)
        object.member("agent_id", agentID, into: &buffer)
        object.end(&buffer)
    }
}

extension UnmatchedName {
    /// Writes the name, what is unmatched under it, and whom it may mean.
    package func write(to buffer: inout ByteBuffer) {
        var object = JSONObjectWriter(&buffer)
        object.member("source", source, into: &buffer)
        object.member("external_id", externalID, into: &buffer)
        object.member("events", events, into: &buffer)
        object.member("left_out", leftOut, into: &buffer)
        object.member("first_occurred_at", firstOccurredAt, into: &buffer)
        object.member("last_occurred_at", lastOccurredAt, into: &buffer)
        object.name("kinds", into: &buffer)
        buffer.writeJSONArray(kinds) { $1.writeJSON($0.rawValue) }
        object.member("reason", reason, into: &buffer)
        object.member("agent_id", agentID, into: &buffer)
        object.member("starts_now", startsNow, into: &buffer)
        object.name("suggestions", into: &buffer)
        buffer.writeJSONArray(suggestions) { suggestion, buffer in
            var object = JSONObjectWriter(&buffer)
            object.member("agent_id", suggestion.agentID, into: &buffer)
            object.member("name", suggestion.name, into: &buffer)
            object.member("because", suggestion.because, into: &buffer)
            object.end(&buffer)
        }
        object.end(&buffer)
    }
}
