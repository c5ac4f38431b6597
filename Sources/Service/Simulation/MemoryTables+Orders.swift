import Domain

/// What a person orders about one agent: what ``AgentOrders`` does in SQL.
///
/// Each returns whom it wakes; nobody where it is refused, and where there is nothing to do.
extension MemoryTables {
    /// Sets a hold, in place of the one there is.
    mutating func hold(_ agent: Int64, _ hold: Hold, policy: ReconcilePolicy, now: Timestamp) -> [Wake] {
        guard instance(of: agent) != nil else { return [] }
        agents[agent]?.facts.hold = hold
        return recompute([agent], policy: policy, now: now)
    }

    /// Ends the hold, if there is one.
    mutating func release(_ agent: Int64, policy: ReconcilePolicy, now: Timestamp) -> [Wake] {
        guard agents[agent]?.facts.hold != nil else { return [] }
        agents[agent]?.facts.hold = nil
        return recompute([agent], policy: policy, now: now)
    }

    /// Asks for a clean reboot, where somebody is on shift, nobody holds the agent, and it can be of use.
    mutating func askReboot(of agent: Int64, policy: ReconcilePolicy, now: Timestamp) -> [Wake] {
        guard let facts = agents[agent]?.facts, let instance = instance(of: agent),
            let account = instances[instance]?.account
        else { return [] }
        let isHeld = facts.hold.map { $0.until > now } ?? false
        guard !isHeld, facts.derived(policy: policy, now: now).run == .running,
            instances[instance]?.subject.evidence.reading?.allowsReboot ?? true
        else { return [] }
        instances[instance]?.subject.evidence.rebootAskedAt = now
        let wakes = [Wake(instance: instance, account: account)]
        enqueue(wakes, at: now)
        return wakes
    }
}
