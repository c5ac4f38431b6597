import Domain

extension Explanation {
    /// The explanation for a person at a terminal, line by line.
    package var lines: [String] {
        let who = [details.name, details.team].filter { !$0.isEmpty }.joined(separator: ", ")
        var lines = [details.agentID + (who.isEmpty ? "" : " (\(who))")]
        func say(_ label: String, _ text: String) {
            lines.append(label + String(repeating: " ", count: max(1, 11 - label.count)) + text)
        }
        say("shift", details.state.shift.rawValue + (details.state.since.map { " since \($0.rfc3339)" } ?? ""))
        say("desired", "\(standing.desired.run.rawValue), by the rule \(standing.desired.rule.rawValue)")
        for verdict in standing.desired.losing {
            say("", "the rule \(verdict.rule.rawValue) says \(verdict.run.rawValue) and counts for less")
        }
        if let hold = standing.hold {
            say("hold", "\(hold.state.rawValue) until \(hold.until.rfc3339): \(hold.reason)")
        }
        if let event {
            let words = [event.punch.kind.rawValue, "at \(event.punch.effectiveAt.rfc3339)", "from \(event.source)"]
            say("event", (words + [event.eventID].compactMap { $0 }).joined(separator: " "))
        } else {
            say("event", "none")
        }
        if let instance = details.instanceSpec { say("instance", "\(instance.engine)/\(instance.instanceID)") }
        say("observed", (details.reading ?? "nothing") + (details.readAt.map { " as of \($0.rfc3339)" } ?? ""))
        say("condition", "\(standing.condition.rawValue) since \(standing.since.rfc3339)")
        say("", standing.reason.sentence)
        for command in commands {
            let outcome = command.verdict ?? "no outcome yet"
            say("command", "\(command.intendedAt.rfc3339) \(command.action) (\(command.reason)): \(outcome)")
        }
        for change in changes { say("change", change) }
        if let next = nextLook(now: asOf) { say("next look", next.rfc3339) }
        return lines
    }
}
