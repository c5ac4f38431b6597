import Domain
package import NIOCore

/// A fresh restart budget that somebody gave an instance.
struct BudgetGrant: Sendable, Hashable {
    var givenAt: Timestamp
    /// From when on somebody can give the next one.
    var againFrom: Timestamp
}

/// Why an agent's session is as it is: the rule that won, those that lost, the event behind it, what was done, what
/// would change it, and when we look again.
package struct Explanation: Sendable {
    var details: AgentDetails
    var standing: AgentStanding
    /// The event that decides where the agent stands; `nil` when there is none.
    var event: LedgerEntry?
    /// Newest first.
    var commands: [CommandEntry]
    /// When the instance is due for a reason of its own.
    var dueAt: Timestamp?
    /// How long a look counts; a third of it is how often the sweep looks.
    var lookLifetime: Duration
    /// What waits of the agent for somebody's approval.
    var waiting: [WaitingPart] = []
    /// The last fresh restart budget; `nil` where there was none, or no budget is waited for.
    var grant: BudgetGrant?
    /// When all this was so.
    var asOf: Timestamp

    /// The event behind the shift: the last that counts by now.
    static func deciding(_ events: [LedgerEntry], state: ShiftState) -> LedgerEntry? {
        guard let last = state.last else { return nil }
        return events.last { $0.standing == .stands && $0.punch.kind != .void && $0.punch.order == last }
    }

    /// When the instance is looked at next, at the latest; `nil` without an instance.
    func nextLook(now: Timestamp) -> Timestamp? {
        guard details.instance != nil else { return nil }
        let sweep = max((details.readAt ?? now) + lookLifetime / Freshness.intervals, now)
        return min(dueAt ?? sweep, sweep)
    }

    /// What would change what is desired, in sentences.
    var changes: [String] {
        var changes: [String] = []
        if details.removalAskedAt != nil {
            changes.append("The agent is being removed; it goes once its session is proved stopped.")
        }
        if let hold = standing.hold {
            changes.append("The hold of \(hold.author) ends at \(hold.until.rfc3339), or when somebody ends it.")
        }
        if let next = details.state.nextPunchAt {
            changes.append("An event that is on record takes effect at \(next.rfc3339).")
        }
        switch details.state.shift {
        case .out: changes.append("A clock-in puts the agent on shift.")
        case .in: changes.append("A clock-out ends the shift; a break-start begins a break.")
        case .onBreak: changes.append("A break-end or a clock-in ends the break; a clock-out ends the shift.")
        }
        changes += waiting.map(\.sentence)
        if details.instance == nil { changes.append("A session has to be mapped before anything can run.") }
        return changes
    }

    package func write(to buffer: inout ByteBuffer) {
        var object = JSONObjectWriter(&buffer)
        object.name("agent", into: &buffer)
        details.write(standing, to: &buffer)
        object.name("desired", into: &buffer)
        writeDesired(to: &buffer)
        object.name("event", into: &buffer)
        if let event { event.write(to: &buffer) } else { buffer.writeStaticString("null") }
        object.member("condition", standing.condition.rawValue, into: &buffer)
        object.member("reason", standing.reason.rawValue, into: &buffer)
        object.member("reason_text", standing.reason.sentence, into: &buffer)
        object.name("changes", into: &buffer)
        buffer.writeJSONArray(changes) { $1.writeJSON($0) }
        object.member("next_look_at", nextLook(now: asOf), into: &buffer)
        object.name("waiting", into: &buffer)
        buffer.writeJSONArray(waiting) { $0.write(to: &$1) }
        object.name("commands", into: &buffer)
        buffer.writeJSONArray(commands) { $0.write(to: &$1) }
        object.end(&buffer)
    }

    private func writeDesired(to buffer: inout ByteBuffer) {
        var object = JSONObjectWriter(&buffer)
        object.member("state", standing.desired.run.rawValue, into: &buffer)
        object.member("rule", standing.desired.rule.rawValue, into: &buffer)
        object.member("generation", details.generation, into: &buffer)
        object.name("losing", into: &buffer)
        buffer.writeJSONArray(standing.desired.losing) { verdict, buffer in
            var object = JSONObjectWriter(&buffer)
            object.member("rule", verdict.rule.rawValue, into: &buffer)
            object.member("state", verdict.run.rawValue, into: &buffer)
            object.end(&buffer)
        }
        object.member("next_change_at", standing.desired.nextChangeAt, into: &buffer)
        object.end(&buffer)
    }
}
