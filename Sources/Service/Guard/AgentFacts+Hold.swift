import Domain

extension AgentFacts {
    /// Whether a hold would have something else desired, now or once the agent comes, breaks or goes while it lasts.
    ///
    /// Pure. Nobody knows when somebody comes and goes, so every shift is thought possible until the hold is over. The hold that
    /// there is counts for as long as it lasts.
    func isChanged(by hold: Hold, policy: ReconcilePolicy, now: Timestamp) -> Bool {
        var moments = [now]
        if let end = self.hold?.until, end > now, end < hold.until { moments.append(end) }
        return moments.contains { moment in
            Shift.allCases.contains { shift in
                var before = self
                before.state.shift = shift
                var after = before
                after.hold = hold
                return before.derived(policy: policy, now: moment).run != after.derived(policy: policy, now: moment).run
            }
        }
    }
}
