import Domain
import LibPQ

/// What is desired of some instances, as ``GuardStatements/runs(of:sessions:instances:)`` reads it.
struct DesiredRuns: Sendable {
    struct Run: Sendable, Hashable {
        var instance: Int64
        var account: Int32
        var instanceID: String
        /// `nil` for one that nobody has.
        var agentID: String?
        var desired: RunState
        /// Whether a clock event, a hold or a removal says so, and not just that nobody ever said anything.
        var isSaid: Bool
        /// Whether it carries the mark of a listing that brought it.
        var isListed: Bool

        /// Whether nothing but a list speaks of it, so that it is not stopped, see ``Subject/isListedOnly(_:)``.
        var isLeftAlone: Bool { isListed && agentID != nil && !isSaid }

        /// Whether it is left alone now and would be stopped if it runs, once it is nobody's or another's; no look need have told
        /// yet whether it does.
        func isStopped(by after: Run) -> Bool {
            isLeftAlone && agentID != after.agentID && !after.isLeftAlone && after.desired == .stopped
        }
    }

    var byInstance: [Int64: Run] = [:]

    init(_ result: PQResult) throws(PQError) {
        for row in result {
            let rule = try row.column("rule", as: String.self)
            let isLeaving = try row.column("is_leaving", as: Bool.self)
            let run = Run(
                instance: try row.column("instance", as: Int64.self),
                account: try row.column("account", as: Int32.self),
                instanceID: try row.column("instance_id", as: String.self),
                agentID: try row.column("agent_id", as: String?.self),
                desired: RunState(code: try row.column("desired", as: Int16.self)) ?? .stopped,
                isSaid: rule != Rule.default.rawValue || isLeaving,
                isListed: try row.column("is_listed", as: Bool.self)
            )
            byInstance[run.instance] = run
        }
    }

    /// What differs afterwards, by the agent whose facts made it so; of an instance that is new, stopped was desired before.
    ///
    /// `agentIDs`: whom the change is about.
    /// `countsListed`: whether it is a stop where a session is left alone no more, since it is taken from its agent.
    func effects(until after: DesiredRuns, of agentIDs: Set<String>, countsListed: Bool = false) -> [DesiredEffect] {
        after.byInstance.values.sorted { $0.instance < $1.instance }.compactMap { run in
            let before = byInstance[run.instance]
            var desired = before?.desired ?? .stopped
            if countsListed, let before, before.isStopped(by: run) { desired = .running }
            guard desired != run.desired else { return nil }
            let owners = [run.agentID, before?.agentID].compactMap { $0 }
            guard let agentID = owners.first(where: agentIDs.contains) ?? owners.first else { return nil }
            return DesiredEffect(agentID: agentID, before: desired, after: run.desired)
        }
    }

    /// How many instances there are that were not there before.
    func added(since before: DesiredRuns) -> Int64 {
        Int64(byInstance.keys.count { before.byInstance[$0] == nil })
    }
}
