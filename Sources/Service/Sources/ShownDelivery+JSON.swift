import Domain
import NIOCore

extension SourceItem {
    func write(to buffer: inout ByteBuffer) {
        switch self {
        case .delivery(let delivery): delivery.write(to: &buffer)
        case .refusal(let refusal): refusal.write(to: &buffer)
        }
    }
}

extension ShownDelivery {
    fileprivate func write(to buffer: inout ByteBuffer) {
        var object = JSONObjectWriter(&buffer)
        object.member("outcome", outcome, into: &buffer)
        object.member("received_at", receivedAt, into: &buffer)
        object.member("delivery_id", deliveryID, into: &buffer)
        object.name("headers", into: &buffer)
        buffer.writeStaticString("{")
        for (place, header) in headers.enumerated() {
            if place > 0 { buffer.writeStaticString(",") }
            buffer.writeJSON(header.name)
            buffer.writeStaticString(":")
            buffer.writeJSON(header.value)
        }
        buffer.writeStaticString("}")
        object.member("body", body?.text, into: &buffer)
        object.member("body_encoding", body.map { _ in "text" }, into: &buffer)
        object.member("body_lossy", body?.isLossy ?? false, into: &buffer)
        object.member("body_truncated", body?.isTruncated ?? false, into: &buffer)
        object.member("size", size, into: &buffer)
        object.member("reading", reading, into: &buffer)
        object.member("reading_text", ReadingWords.sentence(reading), into: &buffer)
        object.name("warnings", into: &buffer)
        buffer.writeJSONArray(warnings) { $1.writeJSON($0) }
        object.name("events", into: &buffer)
        buffer.writeJSONArray(events) { $0.write(to: &$1) }
        object.member("event_count", eventCount, into: &buffer)
        object.end(&buffer)
    }
}

extension ShownEvent {
    fileprivate func write(to buffer: inout ByteBuffer) {
        var object = JSONObjectWriter(&buffer)
        object.member("kind", kind, into: &buffer)
        object.member("occurred_at", occurredAt, into: &buffer)
        object.member("effective_at", effectiveAt, into: &buffer)
        object.member("external_id", externalID, into: &buffer)
        object.member("agent_id", agentID, into: &buffer)
        object.member("record", record, into: &buffer)
        object.member("version", version, into: &buffer)
        object.member("effect", effect, into: &buffer)
        object.member("decides", decides, into: &buffer)
        object.end(&buffer)
    }
}
