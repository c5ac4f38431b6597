package import Domain
package import LibPQ

/// One page of a list.
package struct AgentPage: Sendable {
    package var agents: [AgentDetails]
    /// The opaque word for the next page; `nil` at the end of the list.
    package var nextCursor: String?
}

/// Reads agents for people and the page.
package struct AgentReads: Sendable {
    let pool: PQPool
    let freshness: FreshnessBook
    private let breakAction: BreakAction
    let clock: DatabaseClock

    /// How many teams one page goes through; a page may then hold fewer agents than asked for.
    private static let teamsPerPage = 50

    package init(pool: PQPool, freshness: FreshnessBook, breakAction: BreakAction, clock: DatabaseClock) {
        self.pool = pool
        self.freshness = freshness
        self.breakAction = breakAction
        self.clock = clock
    }

    /// What rows mean now: each agent with its standing.
    package func standings(_ agents: [AgentDetails]) async throws(PQError) -> [AgentStanding] {
        let table = try await freshness.table()
        let now = clock.now()
        return agents.map { $0.standing(breakAction: breakAction, freshness: table[$0.account], now: now) }
    }

    /// One agent; `nil` when there is none, or none for this caller.
    package func agent(_ agentID: String, for caller: Caller?) async throws(PQError) -> AgentDetails? {
        let found = try AgentDetailRows.read(try await pool.query(AgentListStatements.one(agentID))).first
        return found.flatMap { caller?.sees(team: $0.team) ?? true ? $0 : nil }
    }

    /// What the sources call an agent, in order.
    package func aliases(of agent: Int64) async throws(PQError) -> [AliasSpec] {
        try AgentMapStatements.readAliases(try await pool.query(AgentMapStatements.aliases(of: agent)))
    }

    /// The names of the clock sources, at most 500.
    ///
    /// Index: `clock_sources_name_key`.
    func sources() async throws(PQError) -> [String] {
        try await pool.rows("SELECT name FROM clock_sources ORDER BY name LIMIT 500") { row throws(PQError) in
            try row.column("name", as: String.self)
        }
    }

    /// One page of the agents that fit, by agent id within the team; of a condition that few have, by instance.
    ///
    /// One statement where one page of one walk has enough agents. A page may hold fewer than `limit`, even none,
    /// while there is a next one.
    ///
    /// `limit`: 1-500.
    /// Throws ``Problem`` for a cursor that is not ours or of another list; ``PQError``.
    package func page(_ filter: AgentFilter, cursor: String?, limit: Int) async throws -> AgentPage {
        let position = try cursor.map { word throws(Problem) in
            guard let position = AgentCursor(word: word) else { throw .badCursor }
            return position
        }
        guard !filter.isContradictory else { return AgentPage(agents: []) }
        let statements = AgentListStatements(
            filter: filter,
            freshness: try await freshness.table(),
            breakAction: breakAction,
            now: clock.now()
        )
        switch filter.askedCondition {
        case .drifted, .needsPairing, .needsAttention, .held, .starting, .stopping:
            return try await byInstance(statements, position, limit)
        case nil, .converged, .unknown, .unassigned:
            guard let teams = filter.teams else { return try await all(statements, position, limit) }
            return try await ofTeams(teams, statements, position, limit)
        }
    }

    private func all(
        _ statements: AgentListStatements,
        _ position: AgentCursor?,
        _ limit: Int
    ) async throws -> AgentPage {
        let after: String
        switch position {
        case nil: after = ""
        case .agent("", let agentID): after = agentID
        case .agent, .instance: throw Problem.badCursor
        }
        var agents = try await agents(statements.ofAll(after: after, limit: Int64(limit + 1)), of: statements)
        let next = try await next(&agents, limit, statements, team: nil, after: after)
        return AgentPage(agents: agents, nextCursor: next.map { AgentCursor.agent(team: "", after: $0).word })
    }

    private func ofTeams(
        _ teams: [String],
        _ statements: AgentListStatements,
        _ position: AgentCursor?,
        _ limit: Int
    ) async throws -> AgentPage {
        var start: (team: String, after: String)?
        switch position {
        case nil: start = nil
        case .agent(let team, let after): start = (team, after)
        case .instance: throw Problem.badCursor
        }
        var page = AgentPage(agents: [])
        let rest = teams.drop { team in start.map { team < $0.team } ?? false }
        for (place, team) in rest.enumerated() {
            if place == Self.teamsPerPage {
                page.nextCursor = AgentCursor.agent(team: team, after: "").word
                return page
            }
            let after = start.flatMap { $0.team == team ? $0.after : nil } ?? ""
            let missing = limit - page.agents.count
            if missing == 0 {
                page.nextCursor = AgentCursor.agent(team: team, after: "").word
                return page
            }
            var agents = try await agents(
                statements.ofTeam(team, after: after, limit: Int64(missing + 1)),
                of: statements
            )
            let next = try await next(&agents, missing, statements, team: team, after: after)
            page.agents += agents
            if let next {
                page.nextCursor = AgentCursor.agent(team: team, after: next).word
                return page
            }
        }
        return page
    }

    /// What a list's statement finds, each agent with its engine's name.
    private func agents(
        _ statement: PQStatement,
        of statements: AgentListStatements
    ) async throws(PQError) -> [AgentDetails] {
        let result = try await pool.query(statement)
        let agents = try AgentDetailRows.read(result, engines: statements.freshness.names)
        guard agents.contains(where: { $0.account != nil && $0.instanceSpec == nil }) else { return agents }
        // An account that has come since the table was counted.
        return try AgentDetailRows.read(result, engines: try await freshness.names())
    }

    /// Cuts a page to its size and finds where the next one begins; `nil` at the end.
    private func next(
        _ agents: inout [AgentDetails],
        _ limit: Int,
        _ statements: AgentListStatements,
        team: String?,
        after: String
    ) async throws(PQError) -> String? {
        if agents.count > limit {
            agents.removeLast(agents.count - limit)
            return agents.last?.agentID
        }
        guard statements.filter.leavesOut else { return nil }
        let ends = try await pool.rows(AgentWalkEnds.agents(ofTeam: team, after: after)) { row throws(PQError) in
            try row.column("agent_id", as: String.self)
        }
        return ends.first.map { max($0, agents.last?.agentID ?? "") }
    }

    /// A page of a condition that few have, by instance.
    private func byInstance(
        _ statements: AgentListStatements,
        _ position: AgentCursor?,
        _ limit: Int
    ) async throws -> AgentPage {
        guard let condition = statements.filter.askedCondition else { return AgentPage(agents: []) }
        let after: Int64
        switch position {
        case nil: after = 0
        case .instance(let instance): after = instance
        case .agent: throw Problem.badCursor
        }
        let isException = condition.isException
        var agents = try await agents(
            isException
                ? statements.ofException(condition, after: after, limit: Int64(limit + 1))
                : statements.inLine(after: after, limit: Int64(limit + 1)),
            of: statements
        )
        if agents.count > limit {
            agents.removeLast(agents.count - limit)
            return AgentPage(
                agents: agents,
                nextCursor: agents.last?.instance.map { AgentCursor.instance(after: $0).word }
            )
        }
        let ends = try await pool.rows(
            isException ? AgentWalkEnds.exceptions(condition, after: after) : AgentWalkEnds.inLine(after: after)
        ) { row throws(PQError) in
            try row.column("instance", as: Int64.self)
        }
        let next = ends.first.map { max($0, agents.last?.instance ?? 0) }
        return AgentPage(agents: agents, nextCursor: next.map { AgentCursor.instance(after: $0).word })
    }
}

extension Problem {
    fileprivate static var badCursor: Problem {
        .invalid("cursor", "It is not the next_cursor of a list with the same filters.")
    }
}
