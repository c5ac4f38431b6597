import Domain
package import NIOCore

extension SourceStanding {
    package func write(to buffer: inout ByteBuffer) {
        var object = JSONObjectWriter(&buffer)
        object.member("name", name, into: &buffer)
        object.member("kind", kind, into: &buffer)
        object.member("state", state.rawValue, into: &buffer)
        object.member("last_seen_at", lastSeenAt, into: &buffer)
        object.member("last_refused_at", lastRefusedAt, into: &buffer)
        object.name("last_refusal", into: &buffer)
        if let lastRefusal { lastRefusal.write(to: &buffer) } else { buffer.writeStaticString("null") }
        object.name("today", into: &buffer)
        today.write(to: &buffer)
        object.name("week", into: &buffer)
        week.write(to: &buffer)
        object.name("silence", into: &buffer)
        var silence = JSONObjectWriter(&buffer)
        silence.member("limit_seconds", silenceLimit?.components.seconds, into: &buffer)
        silence.member("since", silentSince, into: &buffer)
        silence.end(&buffer)
        object.name("unfetched", into: &buffer)
        var records = JSONObjectWriter(&buffer)
        records.member("count", unfetched.count, into: &buffer)
        records.member("since", unfetched.since, into: &buffer)
        records.member("reason", unfetched.reason, into: &buffer)
        records.end(&buffer)
        object.member("unmatched", unmatched, into: &buffer)
        object.end(&buffer)
    }
}

extension SourceStanding.Counts {
    /// One member for each outcome, 0 where there is none.
    fileprivate func write(to buffer: inout ByteBuffer) {
        buffer.writeStaticString("{")
        for (place, outcome) in SourceOutcome.allCases.enumerated() {
            if place > 0 { buffer.writeStaticString(",") }
            buffer.writeJSON(outcome.rawValue)
            buffer.writeStaticString(":")
            buffer.writeString(String(self[outcome]))
        }
        buffer.writeStaticString("}")
    }
}

extension SourceRefusalNote {
    func write(to buffer: inout ByteBuffer) {
        var object = JSONObjectWriter(&buffer)
        object.member("outcome", "refused", into: &buffer)
        object.member("received_at", at, into: &buffer)
        object.member("reason", reason.rawValue, into: &buffer)
        object.member("detail", detail, into: &buffer)
        object.member("size", size, into: &buffer)
        object.member("content_type", contentType, into: &buffer)
        object.member("user_agent", userAgent, into: &buffer)
        object.end(&buffer)
    }
}
