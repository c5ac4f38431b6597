import LibPQ

/// What a set of agents' specifications changes in the map, compared with how it is.
///
/// Pure.
struct AgentMapChange: Sendable, Equatable {
    /// An agent to add or to write over, complete.
    struct Agent: Sendable, Equatable {
        var agentID: String
        var name: String
        var team: String
        var timeZone: String
    }

    /// A session and the agent that gets it.
    struct Assignment: Sendable, Equatable {
        var agentID: String
        var account: Int32
        var instanceID: String
        var sessionName: String?
    }

    struct Alias: Sendable, Hashable {
        var agentID: String
        var source: Int32
        var externalID: String
    }

    /// What a source calls somebody.
    struct Name: Sendable, Hashable {
        var source: Int32
        var externalID: String

        init(source: Int32, externalID: String) {
            self.source = source
            self.externalID = externalID
        }

        init(_ alias: Alias) {
            self.init(source: alias.source, externalID: alias.externalID)
        }
    }

    /// What became of one specification.
    enum Outcome: Sendable, Equatable {
        case added, changed, unchanged
        case refused(Problem)
    }

    var agents: [Agent] = []
    var retired: [Wake] = []
    var assigned: [Assignment] = []
    var droppedAliases: [Alias] = []
    var addedAliases: [Alias] = []
    /// Agents of whom something else may be desired, or whose session has to be looked at.
    var recomputed: [String] = []
    /// Agents whom events may now match.
    var rematched: [String] = []
    /// Everyone about whom anything changes.
    var touched: [String] = []
    /// In the order of the specifications.
    var outcomes: [Outcome] = []
    /// Whether something else may be desired of an instance afterwards.
    var mayMatter: Bool { !(recomputed.isEmpty && rematched.isEmpty && assigned.isEmpty && retired.isEmpty) }
    /// The sessions of ``assigned``.
    private var assignedSessions: Set<AgentMap.Session> = []
    /// What ``addedAliases`` say, whoever they are of.
    private var addedNames: Set<Name> = []

    /// Compares.
    ///
    /// A specification that is refused changes nothing, and no other, but for whoever was to get the session that its agent
    /// therefore keeps. A session moves between two of the agents whichever stands first, also crosswise.
    ///
    /// - Parameters:
    ///   - specs: at most one per agent.
    ///   - map: the map as read under its lock, for these agents.
    ///   - caller: whose teams bound what may be changed; `nil` for all.
    ///   - mayMove: whether an agent, by its id, gives up its session though no specification says so.
    init(_ specs: [AgentSpec], map: AgentMap, caller: Caller?, mayMove: (String) -> Bool = { _ in false }) {
        var moves = AgentSessionMoves(specs, map: map)
        while true {
            let change = AgentMapChange(
                specs,
                map: map,
                caller: caller,
                isLeaving: { moves.isLeaving($0) || mayMove($0) }
            )
            let refused = zip(specs, change.outcomes).compactMap { spec, outcome -> String? in
                if case .refused = outcome { spec.agentID } else { nil }
            }
            guard moves.keep(refused) else {
                self = change
                return
            }
        }
    }

    private init(_ specs: [AgentSpec], map: AgentMap, caller: Caller?, isLeaving: (String) -> Bool) {
        for spec in specs {
            do throws(Problem) {
                outcomes.append(try take(spec, map: map, caller: caller, isLeaving: isLeaving))
            } catch {
                outcomes.append(.refused(error))
            }
        }
    }

    /// Whether it brings agents that are not in the map, without aliases, and takes nothing from anybody.
    func onlyAdds(to map: AgentMap) -> Bool {
        retired.isEmpty && addedAliases.isEmpty && rematched.allSatisfy { map.agents[$0] == nil }
            && touched.allSatisfy { map.agents[$0] == nil }
    }

    private mutating func take(
        _ spec: AgentSpec,
        map: AgentMap,
        caller: Caller?,
        isLeaving: (String) -> Bool
    ) throws(Problem) -> Outcome {
        let before = map.agents[spec.agentID]
        if let before, let caller, !caller.sees(team: before.team) { throw Problem(.notFound) }
        let agent = Agent(
            agentID: spec.agentID,
            name: spec.name ?? before?.name ?? "",
            team: spec.team ?? before?.team ?? "",
            timeZone: spec.timeZone ?? before?.timeZone ?? "UTC"
        )
        if let caller, !caller.sees(team: agent.team) { throw Problem(.outsideTeam, field: "team") }
        let assignment = try assignment(spec, map: map, isLeaving: isLeaving)
        let aliases = try aliases(spec, map: map, caller: caller)
        var differs = false
        if before == nil || before?.isSame(as: agent) == false || before?.isLeaving == true {
            agents.append(agent)
            differs = true
        }
        var sessionMoves = before?.isLeaving == true
        if let old = before?.instance, spec.instance == .remove || assignment.map({ !old.isSameSession($0) }) ?? false {
            retired.append(Wake(instance: old.instance, account: old.account))
            sessionMoves = true
        }
        if let assignment, before?.instance?.isSame(as: assignment) != true {
            assigned.append(assignment)
            assignedSessions.insert(AgentMap.Session(assignment))
            sessionMoves = sessionMoves || before?.instance?.isSameSession(assignment) != true
            differs = true
        }
        var mayMatch = before == nil || map.untaken.contains(spec.agentID)
        if let aliases {
            let old = Set(before?.aliases ?? [])
            let dropped = old.subtracting(aliases)
            let added = aliases.filter { !old.contains($0) }
            droppedAliases += dropped
            addedAliases += added
            addedNames.formUnion(added.map(Name.init))
            differs = differs || !dropped.isEmpty || !added.isEmpty
            mayMatch = mayMatch || !added.isEmpty
        }
        if mayMatch { rematched.append(spec.agentID) }
        if sessionMoves || before == nil { recomputed.append(spec.agentID) }
        guard differs || sessionMoves else { return .unchanged }
        touched.append(spec.agentID)
        return before == nil ? .added : .changed
    }

    private func assignment(
        _ spec: AgentSpec,
        map: AgentMap,
        isLeaving: (String) -> Bool
    ) throws(Problem) -> Assignment? {
        guard case .set(let instance) = spec.instance else { return nil }
        guard let account = map.accounts[instance.engine] else {
            throw .invalid("instance.engine", "There is no engine account of this name.")
        }
        let session = AgentMap.Session(account: account, instanceID: instance.instanceID)
        let isTaken = map.occupants[session].map { $0 != spec.agentID && !isLeaving($0) } ?? false
        guard !isTaken, !assignedSessions.contains(session)
        else { throw Problem(.instanceTaken, field: "instance.instance_id") }
        return Assignment(
            agentID: spec.agentID,
            account: account,
            instanceID: instance.instanceID,
            sessionName: instance.sessionName
        )
    }

    private func aliases(_ spec: AgentSpec, map: AgentMap, caller: Caller?) throws(Problem) -> [Alias]? {
        guard let specified = spec.aliases else { return nil }
        var aliases: [Alias] = []
        for (place, alias) in specified.enumerated() {
            guard let source = map.sources[alias.source] else {
                throw .invalid("aliases[\(place)].source", "There is no clock source of this name.")
            }
            let known = Alias(agentID: spec.agentID, source: source, externalID: alias.externalID)
            let isTwice = aliases.contains(known) || addedNames.contains(Name(known))
            guard !isTwice else { throw .invalid("aliases[\(place)]", "The same alias stands twice.") }
            if let owner = map.owners[Name(known)], let caller, !caller.sees(team: owner.team) {
                throw Problem(.outsideTeam, "The alias is that of an agent outside.", field: "aliases[\(place)]")
            }
            aliases.append(known)
        }
        return aliases
    }
}

/// The map of some agents as it is.
struct AgentMap: Sendable {
    struct Session: Sendable, Hashable {
        var account: Int32
        var instanceID: String

        init(account: Int32, instanceID: String) {
            self.account = account
            self.instanceID = instanceID
        }

        init(_ assignment: AgentMapChange.Assignment) {
            self.init(account: assignment.account, instanceID: assignment.instanceID)
        }
    }

    struct Instance: Sendable, Equatable {
        var instance: Int64
        var account: Int32
        var instanceID: String
        var sessionName: String?

        func isSameSession(_ other: AgentMapChange.Assignment) -> Bool {
            account == other.account && instanceID == other.instanceID
        }

        func isSame(as other: AgentMapChange.Assignment) -> Bool {
            isSameSession(other) && sessionName == other.sessionName
        }
    }

    struct Agent: Sendable, Equatable {
        var agent: Int64
        var name: String
        var team: String
        var timeZone: String
        var isLeaving: Bool
        var instance: Instance?
        var aliases: [AgentMapChange.Alias]

        func isSame(as other: AgentMapChange.Agent) -> Bool {
            name == other.name && team == other.team && timeZone == other.timeZone
        }
    }

    var accounts: [String: Int32] = [:]
    var sources: [String: Int32] = [:]
    /// By agent id.
    var agents: [String: Agent] = [:]
    /// The agent ids of those who have the sessions that are asked for.
    var occupants: [Session: String] = [:]
    /// Who has the aliases that are asked for.
    var owners: [AgentMapChange.Name: Owner] = [:]

    /// The agent ids of those under whose names there are events that nobody took up yet.
    var untaken: Set<String> = []

    /// Who is called so.
    struct Owner: Sendable, Hashable {
        var agentID: String
        var team: String
    }
}
