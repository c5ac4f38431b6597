import Domain

/// What filters and counts look at in an agent.
struct AgentFacets: Sendable, Hashable {
    var agentID: String
    var team: String
    var shift: Shift
    var desired: RunState
    var condition: Condition
    var agreement: Agreement
    /// Digest of what a search looks through.
    var identity: Int
}

extension AgentFacets {
    init(_ agent: AgentDetails, _ standing: AgentStanding) {
        agentID = agent.agentID
        team = agent.team
        shift = agent.state.shift
        desired = standing.desired.run
        condition = standing.condition
        agreement = agent.agreement(standing)
        identity = agent.searchText.hashValue
    }
}

extension AgentDetails {
    /// What a search looks through, in lower case.
    var searchText: String {
        [agentID, name, instanceSpec?.instanceID, instanceSpec?.sessionName].compactMap { $0 }
            .joined(separator: "\n").lowercased()
    }
}

extension AgentFilter {
    /// Whether the filter, its search left out, lets such an agent through.
    func admits(_ facets: AgentFacets) -> Bool {
        (teams?.contains(facets.team) ?? true)
            && (shift.map { $0 == facets.shift } ?? true)
            && (condition.map { $0 == facets.condition } ?? true)
            && (agreement.map { $0 == facets.agreement } ?? true)
    }
}
