import ClockSources
import Domain
package import NIOCore

extension DeliveryVerdict {
    package func write(to buffer: inout ByteBuffer) {
        var object = JSONObjectWriter(&buffer)
        object.member("proof", isProved ? "accepted" : "refused", into: &buffer)
        object.member("status", status, into: &buffer)
        object.name("problem", into: &buffer)
        if let problem { problem.write(to: &buffer) } else { buffer.writeStaticString("null") }
        object.member("received_at", receivedAt, into: &buffer)
        object.member("delivery_id", reading?.deliveryID, into: &buffer)
        object.member("ignored", reading?.ignored, into: &buffer)
        object.member("ignored_text", reading?.ignored.map(ReadingWords.sentence), into: &buffer)
        object.name("fetch", into: &buffer)
        if let fetch = reading?.fetch {
            var reference = JSONObjectWriter(&buffer)
            reference.member("kind", fetch.kind, into: &buffer)
            reference.member("id", fetch.id, into: &buffer)
            reference.end(&buffer)
        } else {
            buffer.writeStaticString("null")
        }
        object.name("warnings", into: &buffer)
        buffer.writeJSONArray(reading?.warnings ?? []) { $1.writeJSON($0) }
        object.name("answer", into: &buffer)
        if let answer = reading?.answer { answer.write(to: &buffer) } else { buffer.writeStaticString("null") }
        object.name("events", into: &buffer)
        buffer.writeJSONArray(events) { $0.write(to: &$1) }
        object.end(&buffer)
    }
}

extension DeliveryVerdict.Event {
    fileprivate func write(to buffer: inout ByteBuffer) {
        var object = JSONObjectWriter(&buffer)
        object.member("event_id", event.eventID, into: &buffer)
        object.member("kind", event.kind.rawValue, into: &buffer)
        object.member("occurred_at", event.occurredAt, into: &buffer)
        object.member("effective_at", event.effectiveAt, into: &buffer)
        object.member("external_id", event.externalID, into: &buffer)
        object.member("agent_id", agentID, into: &buffer)
        object.member("record", event.record, into: &buffer)
        object.member("version", event.version, into: &buffer)
        object.member("would", fate.rawValue, into: &buffer)
        object.member("effect", effect?.rawValue, into: &buffer)
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
        object.end(&buffer)
    }
}

extension DeliveryAnswer {
    fileprivate func write(to buffer: inout ByteBuffer) {
        var object = JSONObjectWriter(&buffer)
        object.member("status", status, into: &buffer)
        object.member("body", body, into: &buffer)
        object.end(&buffer)
    }
}

// What a person reads.
extension DeliveryVerdict {
    /// The verdict in lines.
    package var lines: [String] {
        var lines = [isProved ? "proof: accepted" : "proof: refused"]
        lines.append("answer: \(status)" + (problem.map { " \($0.code.rawValue): \($0.detail)" } ?? ""))
        guard let reading else { return lines }
        if let id = reading.deliveryID { lines.append("delivery: \(id)") }
        if let ignored = reading.ignored { lines.append("ignored: \(ReadingWords.sentence(ignored))") }
        if let fetch = reading.fetch { lines.append("would fetch: \(fetch.kind) \(fetch.id)") }
        lines += reading.warnings.map { "warning: \(ReadingWords.sentence($0))" }
        lines += events.map(\.line)
        return lines
    }
}

extension DeliveryVerdict.Event {
    fileprivate var line: String {
        var words = [event.kind.rawValue, event.occurredAt.rfc3339, "of \(event.externalID ?? "nobody named")"]
        if let agentID { words.append("agent \(agentID)") }
        if let record = event.record {
            words.append("record \(record)" + (event.version.map { " version \($0)" } ?? ""))
        }
        switch fate {
        case .new: words.append("new")
        case .replayed: words.append("known already")
        case .conflict: words.append("its id was used before with other content")
        case .unmatched: words.append("nobody is mapped to that id: it would be kept until somebody is")
        case .unknown: break
        }
        if let effect, fate == .new { words.append(effect.rawValue) }
        if let agent { words.append("desired \(agent.desired.rawValue) by \(agent.rule.rawValue)") }
        return "event: " + words.joined(separator: "  ")
    }
}
