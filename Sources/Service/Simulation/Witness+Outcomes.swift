import Domain

/// What is made of commands once they are sent, judged when it is committed.
extension Witness.State {
    /// What became of a command was written.
    mutating func take(_ outcome: CommandOutcome) {
        let instance = outcome.command.instance
        let place = tracks[instance]?.intents.lastIndex { $0.id == outcome.command.id }
        if let place { tracks[instance]?.intents[place].verdict = outcome.answer.verdict }
        if tracks[instance]?.intents.last?.id == outcome.command.id { tracks[instance]?.outcomeAt = outcome.endedAt }
        guard let sentAt = outcome.sentAt else {
            checkKeptBack(outcome, call: place.flatMap { tracks[instance]?.intents[$0].call })
            // It was kept back, so it does not count.
            let count = tracks[instance]?.stopsOfFailed ?? 0
            if outcome.command.action == .stop { tracks[instance]?.stopsOfFailed = max(0, count - 1) }
            return
        }
        if outcome.command.action == .stop, [.unreachable, .auth, .transient].contains(outcome.answer.verdict) {
            // The engine did not take it, so another may follow.
            let count = tracks[instance]?.stopsOfFailed ?? 0
            tracks[instance]?.stopsOfFailed = max(0, count - 1)
        }
        let what = outcome.command.action.call
        let call = calls.last { $0.instance == instance && $0.stamp == sentAt && $0.call == what }
        if call?.verdict != outcome.answer.verdict {
            violate(
                .outcomeIsTrue,
                "\(outcome.command.action.rawValue) is recorded as \(outcome.answer.verdict.rawValue), the engine said "
                    + "\(call?.verdict?.rawValue ?? "nothing")"
            )
        }
    }

    /// What is recorded as never sent was taken back before its first byte left, or nobody tried to send it.
    ///
    /// `call`: the number of the one that its intent led to.
    private mutating func checkKeptBack(_ outcome: CommandOutcome, call: Int?) {
        guard let call, calls[call].leftAt != nil else { return }
        violate(
            .outcomeIsTrue,
            "\(outcome.command.action.rawValue) of \(outcome.command.address.instanceID) is recorded as never sent, "
                + "and left"
        )
    }

    mutating func checkConverged(_ plan: Plan, _ tables: MemoryTables) {
        guard plan.subject.condition == .converged || plan.subject.condition == .held else { return }
        let evidence = plan.subject.evidence
        let agent = tables.instances[plan.subject.instance]?.agent
        let desired = agent.map { tables.agents[$0]?.facts.desired ?? .stopped } ?? .stopped
        let fits: Bool =
            switch (desired, evidence.reading) {
            case (.running, .status(.working)): true
            case (.stopped, .status(.stopped)), (.stopped, .status(.failed)), (.stopped, .missing): true
            default: false
            }
        let isProved = provedFrom(plan.subject.instance).map { from in
            evidence.readAt.map { $0 >= from } ?? false
        }
        guard !fits || isProved == false else { return }
        violate(
            .convergedByRead,
            "\(plan.subject.address.instanceID), desired \(desired.rawValue), read as "
                + "\(evidence.reading?.word ?? "nothing") at \(evidence.readAt?.rfc3339 ?? "no time")"
        )
    }

    /// From when on a read proves what the last command did: soon after its end, or, of one without an outcome, once the time that
    /// its call has is over; `nil` where there was none.
    private func provedFrom(_ instance: Int64) -> Timestamp? {
        let track = tracks[instance]
        if let last = track?.intents.last, last.verdict == nil { return last.at + rules.policy.callTimeout }
        return track?.outcomeAt.map { $0 + rules.policy.confirmationDelay }
    }
}
