import LibPQ

extension AgentMap {
    /// Reads the part of the map that some specifications are about, and locks the map.
    static func read(
        _ specs: [AgentSpec],
        rules: MatchingRules,
        in transaction: PQTransaction
    ) async throws(PQError) -> AgentMap {
        // The locks come in statements of their own, so that the next ones see what their last holders wrote.
        let locks = [AdvisoryLocks.map, AgentMapStatements.lockStates(specs.map(\.agentID))]
        let results = try await transaction.run(locks + statements(specs, rules))
        return try AgentMap(results.dropFirst(locks.count))
    }

    /// Reads the same part and locks nothing: for comparing, while clock events go on.
    static func read(
        _ specs: [AgentSpec],
        rules: MatchingRules,
        from pool: PQPool
    ) async throws(PQError) -> AgentMap {
        try AgentMap(try await pool.pipeline(statements(specs, rules))[...])
    }

    private static func statements(_ specs: [AgentSpec], _ rules: MatchingRules) -> [PQStatement] {
        let sessions = specs.compactMap { spec -> InstanceSpec? in
            if case .set(let instance) = spec.instance { instance } else { nil }
        }
        let aliases = specs.flatMap { $0.aliases ?? [] }
        return [
            AgentMapStatements.accounts,
            AgentMapStatements.sources,
            AgentMapStatements.current(specs.map(\.agentID)),
            AgentMapStatements.occupants(accounts: sessions.map(\.engine), instanceIDs: sessions.map(\.instanceID)),
            AgentMapStatements.owners(sources: aliases.map(\.source), externalIDs: aliases.map(\.externalID)),
            UnmatchedStatements.untaken(specs.map(\.agentID), rules: rules),
        ]
    }

    /// Takes the map from the results of ``statements(_:_:)``.
    private init(_ results: ArraySlice<PQResult>) throws(PQError) {
        let results = Array(results)
        accounts = try Self.numbers(results[0])
        sources = try Self.numbers(results[1])
        agents = try Self.agents(results[2])
        occupants = try Self.occupants(results[3])
        owners = try Self.owners(results[4])
        untaken = Set(try results[5].decoded { row throws(PQError) in try row.column("agent_id", as: String.self) })
    }

    private static func numbers(_ result: PQResult) throws(PQError) -> [String: Int32] {
        var numbers: [String: Int32] = [:]
        for row in result {
            numbers[try row.column("name", as: String.self)] = try row.column("number", as: Int32.self)
        }
        return numbers
    }

    private static func agents(_ result: PQResult) throws(PQError) -> [String: Agent] {
        var agents: [String: Agent] = [:]
        for row in result {
            let agentID = try row.column("agent_id", as: String.self)
            let sources = try row.column("sources", as: [Int32].self)
            let externalIDs = try row.column("external_ids", as: [String].self)
            agents[agentID] = Agent(
                agent: try row.column("agent", as: Int64.self),
                name: try row.column("name", as: String.self),
                team: try row.column("team", as: String.self),
                timeZone: try row.column("time_zone", as: String.self),
                isLeaving: try row.column("is_leaving", as: Bool.self),
                instance: try instance(row),
                aliases: zip(sources, externalIDs).map { source, externalID in
                    AgentMapChange.Alias(agentID: agentID, source: source, externalID: externalID)
                }
            )
        }
        return agents
    }

    private static func instance(_ row: PQRow) throws(PQError) -> Instance? {
        guard let instance = try row.column("instance", as: Int64?.self) else { return nil }
        return Instance(
            instance: instance,
            account: try row.column("account", as: Int32?.self) ?? 0,
            instanceID: try row.column("instance_id", as: String?.self) ?? "",
            sessionName: try row.column("session_name", as: String?.self)
        )
    }

    private static func owners(_ result: PQResult) throws(PQError) -> [AgentMapChange.Name: Owner] {
        var owners: [AgentMapChange.Name: Owner] = [:]
        for row in result {
            let name = AgentMapChange.Name(
                source: try row.column("source_id", as: Int32.self),
                externalID: try row.column("external_id", as: String.self)
            )
            owners[name] = Owner(
                agentID: try row.column("agent_id", as: String.self),
                team: try row.column("team", as: String.self)
            )
        }
        return owners
    }

    private static func occupants(_ result: PQResult) throws(PQError) -> [Session: String] {
        var occupants: [Session: String] = [:]
        for row in result {
            let session = Session(
                account: try row.column("account", as: Int32.self),
                instanceID: try row.column("instance_id", as: String.self)
            )
            occupants[session] = try row.column("agent_id", as: String.self)
        }
        return occupants
    }
}
