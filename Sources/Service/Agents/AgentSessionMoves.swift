/// Who leaves a session to whom within one set of specifications, as far as nothing stands against it.
///
/// Pure.
struct AgentSessionMoves: Sendable {
    /// Who is to get the session of an agent, by the agent's id; whether or not the agent leaves it.
    private(set) var heirs: [String: String] = [:]
    /// Agents who are to have another session than now, or none.
    private var leaving: Set<String>

    /// Compares; there is at most one specification per agent, and the map is that of these.
    init(_ specs: [AgentSpec], map: AgentMap) {
        leaving = Set(specs.filter(map.isLeft).map(\.agentID))
        for spec in specs {
            guard let occupant = map.occupant(of: spec), occupant != spec.agentID else { continue }
            heirs[occupant] = spec.agentID
        }
    }

    func isLeaving(_ agentID: String) -> Bool { leaving.contains(agentID) }

    /// Has agents stay with their sessions, so that their heirs stay with theirs, and so on.
    ///
    /// - Returns: whether anybody was thought to leave who stays.
    mutating func keep(_ agentIDs: [String]) -> Bool {
        var isNews = false
        for agentID in agentIDs {
            var next: String? = agentID
            while let staying = next, leaving.remove(staying) != nil {
                isNews = true
                next = heirs[staying]
            }
        }
        return isNews
    }
}

extension AgentMap {
    /// Who has the session that a specification asks for.
    fileprivate func occupant(of spec: AgentSpec) -> String? {
        guard case .set(let instance) = spec.instance, let account = accounts[instance.engine] else { return nil }
        return occupants[Session(account: account, instanceID: instance.instanceID)]
    }

    /// Whether a specification would have its agent leave the session it has.
    fileprivate func isLeft(_ spec: AgentSpec) -> Bool {
        guard let old = agents[spec.agentID]?.instance else { return false }
        switch spec.instance {
        case .keep: return false
        case .remove: return true
        case .set(let new): return accounts[new.engine] != old.account || new.instanceID != old.instanceID
        }
    }
}
