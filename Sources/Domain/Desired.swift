/// Whether a session should run.
package enum RunState: String, Sendable, Hashable, CaseIterable {
    case stopped
    case running

    /// The number stored in `agent_states.desired` and in `holds.state`.
    package var code: Int16 { self == .running ? 1 : 0 }

    /// Reads back what ``code`` wrote.
    package init?(code: Int16) {
        guard let state = Self.allCases.first(where: { $0.code == code }) else { return nil }
        self = state
    }
}

/// The rules that may decide what is desired, highest first.
package enum Rule: String, Sendable, Hashable, CaseIterable {
    /// A person's override.
    case hold
    /// The policy for breaks.
    case onBreak = "break"
    /// The shift, from punches.
    case shift
    /// Nobody ever said anything: stopped.
    case `default`
}

/// A person's override of one agent, as far as the decision needs it.
package struct Hold: Sendable, Hashable {
    package var state: RunState
    /// When it ends by itself.
    package var until: Timestamp
    /// 1-200 characters, for people.
    package var reason: String
    /// Name of the key that set it.
    package var author: String

    package init(state: RunState, until: Timestamp, reason: String, author: String) {
        self.state = state
        self.until = until
        self.reason = reason
        self.author = author
    }
}

/// What a rule asked for.
package struct RuleVerdict: Sendable, Hashable {
    package var rule: Rule
    package var run: RunState
}

/// What should be, and why.
package struct DesiredState: Sendable, Hashable {
    package var run: RunState
    /// The rule that won.
    package var rule: Rule
    /// The rules that had an opinion and lost, highest first.
    package var losing: [RuleVerdict]
    /// When this answer changes by the clock alone, after the instant that it is for; `nil` when only an event can change it.
    package var nextChangeAt: Timestamp?

    package init(run: RunState, rule: Rule, losing: [RuleVerdict] = [], nextChangeAt: Timestamp? = nil) {
        self.run = run
        self.rule = rule
        self.losing = losing
        self.nextChangeAt = nextChangeAt
    }
}

/// What an agent's break does to the session (`ROLLCALL_BREAK_ACTION`).
package enum BreakAction: String, Sendable, Hashable {
    case keep
    case stop
}

/// Derives what is desired: hold before break before shift before the default.
///
/// - Parameters:
///   - state: the fold of the agent's punches.
///   - hold: the hold on record; ignored once `until` has passed.
///   - breakAction: what a break does.
///   - now: the database's clock.
/// - Returns: what should be, the rule that won, the rules that lost, and when that changes by itself.
package func derive(_ state: ShiftState, hold: Hold?, breakAction: BreakAction, now: Timestamp) -> DesiredState {
    var verdicts: [RuleVerdict] = []
    let liveHold = hold.flatMap { $0.until > now ? $0 : nil }
    if let liveHold { verdicts.append(RuleVerdict(rule: .hold, run: liveHold.state)) }
    switch state.shift {
    case .onBreak:
        verdicts.append(RuleVerdict(rule: .onBreak, run: breakAction == .keep ? .running : .stopped))
        verdicts.append(RuleVerdict(rule: .shift, run: .running))
    case .in:
        verdicts.append(RuleVerdict(rule: .shift, run: .running))
    case .out:
        if state.since != nil { verdicts.append(RuleVerdict(rule: .shift, run: .stopped)) }
    }
    verdicts.append(RuleVerdict(rule: .default, run: .stopped))
    let winner = verdicts.removeFirst()
    // One whose time has come changes nothing before the ledger is folded again, which no pass does.
    let parked = state.nextPunchAt.flatMap { $0 > now ? $0 : nil }
    let changes = [liveHold?.until, parked].compactMap { $0 }
    return DesiredState(run: winner.run, rule: winner.rule, losing: verdicts, nextChangeAt: changes.min())
}
