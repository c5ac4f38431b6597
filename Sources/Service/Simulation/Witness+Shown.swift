import Domain

/// What people are shown, judged by the engine's log of calls.
extension Witness.State {
    /// Once a second: what the page shows as current was said by the engine within three intervals of its sweep, or of what a
    /// round takes where that is longer.
    ///
    /// `ageLimit`: how many times too old the page takes for current; 1 without a planted bug.
    mutating func checkShown(_ tables: MemoryTables, ageLimit: Int, now: Timestamp) {
        for (number, instance) in tables.instances.sorted(by: { $0.key < $1.key }) {
            guard let agent = instance.agent.flatMap({ tables.agents[$0] }) else { continue }
            let count = tables.instances.count { $0.value.account == instance.account }
            let interval = agent.facts.desired == .running ? rules.sweep.onShift : rules.sweep.offShift
            let oldest = now - max(interval, .milliseconds(count * 1000 / rules.callsPerSecond)) * 3
            let stored = instance.subject.evidence.reading
            // Whatever is shown of it may be shown. The newest reads come last.
            let isBacked = tracks[number]?.reads.reversed().contains { $0.stamp >= oldest && $0.reading == stored }
            guard isBacked != true, let subject = tables.subject(number) else { continue }
            let page = Freshness(
                onShift: rules.sweep.onShift * ageLimit,
                offShift: rules.sweep.offShift * ageLimit,
                instances: count,
                callsPerSecond: rules.callsPerSecond
            )
            let details = AgentDetails(agent, subject)
            let shown = details.standing(breakAction: rules.policy.breakAction, freshness: page, now: now)
            // That an engine refuses our credential is said instead of how its sessions are.
            guard shown.condition != .unknown, shown.reason != .accountRefused else { continue }
            violate(
                .staleIsShown,
                "\(subject.address.instanceID) is shown as \(shown.condition.rawValue), "
                    + "\(subject.evidence.reading?.word ?? "never read"), which nobody read since \(oldest.rfc3339)"
            )
        }
    }
}

extension AgentDetails {
    /// The row that the page reads of an agent with an instance.
    fileprivate init(_ agent: MemoryTables.Agent, _ subject: Subject) {
        self.init(
            agent: agent.facts.agent,
            agentID: agent.id,
            name: agent.id,
            team: "",
            timeZone: "UTC",
            createdAt: agent.createdAt,
            removalAskedAt: agent.facts.isLeaving ? agent.createdAt : nil,
            generation: agent.facts.generation,
            state: agent.facts.state,
            storedDesired: agent.facts.desired,
            hold: agent.facts.hold,
            instance: subject.instance,
            account: subject.account,
            instanceSpec: nil,
            reading: subject.evidence.reading?.word,
            readAt: subject.evidence.readAt,
            readingSince: subject.evidence.readingSince,
            condition: subject.condition,
            reason: subject.reason,
            since: subject.evidence.readingSince,
            breakAction: nil
        )
    }
}
