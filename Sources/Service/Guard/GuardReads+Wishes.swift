import Domain
import LibPQ

extension GuardReads {
    /// What changes ask for, by change: of each what waits of it, or all of it once it is decided.
    ///
    /// One statement for all of them.
    func wishes(of changes: [HeldChange], for caller: Caller) async throws(PQError) -> [Int64: HeldWish] {
        guard !changes.isEmpty else { return [:] }
        let statement = Self.wishes(of: changes.map(\.change), teams: caller.teams?.sorted())
        var wishes: [Int64: HeldWish] = [:]
        for row in try await pool.rows(statement, Self.wishRow) {
            var wish = wishes[row.change] ?? row.wish
            if let ask = row.ask { wish.asks.append(ask) }
            wishes[row.change] = wish
        }
        // Of these there are no parts in a table.
        for change in changes where change.waiting > 0 || change.kind == .setting {
            switch change.kind {
            case .listing: wishes[change.change, default: HeldWish()].stand(for: "stop", change.waiting)
            case .setting: wishes[change.change, default: HeldWish()].stand(for: "setting", change.waiting)
            case .edit, .order, .fromImport: break
            }
        }
        return wishes
    }

    /// What some changes ask for, a row for each thing, that of most agents first; and the first of those whom they are about.
    ///
    /// Of an agent two parts may wait, its session and its events, so twice as many are read as are named.
    /// Indexes: `guard_changes_pkey`, `guard_items_of_change`, `agents_pkey`, `instances_listed`, `observed_states_pkey`.
    static func wishes(of changes: [Int64], teams: [String]?) -> PQStatement {
        """
        SELECT g.change, q.kind, q.what, q.instance_id, q.unassigns, q.agents, c.concerned, w.agent_ids, w.names
        FROM unnest(\(changes)) AS n (change)
        JOIN guard_changes g ON g.change = n.change
        LEFT JOIN LATERAL (
            SELECT m.kind, m.what, m.unassigns, min(m.instance_id) AS instance_id, count(*) AS agents, min(m.item) AS item
            FROM (
                SELECT i.item, i.kind, i.what->>'instance_id' AS instance_id,
                    CASE WHEN i.kind <> 'instance' THEN i.what END AS what,
                    i.kind = 'instance' AND i.what->>'instance_id' IS NULL AS unassigns
                FROM guard_items i
                JOIN agents a ON a.agent = i.agent
                WHERE i.change = g.change
                  AND (i.state = 'held' OR g.state <> 'held')
                  AND (\(teams)::text[] IS NULL OR a.team = ANY (\(teams)))
                ORDER BY i.item
                LIMIT 10000
            ) m
            GROUP BY m.kind, m.what, m.unassigns
            ORDER BY count(*) DESC, min(m.item)
            LIMIT \(HeldWish.askLimit)
        ) q ON true
        CROSS JOIN LATERAL (
            SELECT count(DISTINCT m.agent) AS concerned
            FROM (
                SELECT i.agent
                FROM guard_items i
                JOIN agents a ON a.agent = i.agent
                WHERE i.change = g.change
                  AND (i.state = 'held' OR g.state <> 'held')
                  AND (\(teams)::text[] IS NULL OR a.team = ANY (\(teams)))
                ORDER BY i.item
                LIMIT 10000
            ) m
        ) c
        CROSS JOIN LATERAL (
            SELECT coalesce(array_agg(f.agent_id ORDER BY f.place), '{}') AS agent_ids,
                coalesce(array_agg(f.name ORDER BY f.place), '{}') AS names
            FROM (
                (
                    SELECT a.agent_id, a.name, i.item AS place
                    FROM guard_items i
                    JOIN agents a ON a.agent = i.agent
                    WHERE i.change = g.change
                      AND (i.state = 'held' OR g.state <> 'held')
                      AND (\(teams)::text[] IS NULL OR a.team = ANY (\(teams)))
                    ORDER BY i.item
                    LIMIT \(Int64(HeldWish.personLimit * 2))
                )
                UNION ALL
                (
                    SELECT a.agent_id, a.name, x.instance AS place
                    FROM instances x
                    JOIN observed_states o ON o.instance = x.instance
                    JOIN agents a ON a.agent = x.agent
                    WHERE g.kind = 'listing'
                      AND g.state = 'held'
                      AND x.listed_by = g.change
                      AND o.reason = 'listed_only'
                      AND (\(teams)::text[] IS NULL OR a.team = ANY (\(teams)))
                    ORDER BY x.instance + 0
                    LIMIT \(Int64(HeldWish.personLimit))
                )
            ) f
        ) w
        ORDER BY g.change, q.agents DESC, q.item
        """
    }

    /// One thing of one change, and whom the change is about.
    private struct WishRow: Sendable {
        var change: Int64
        var ask: HeldWish.Ask?
        var wish: HeldWish
    }

    private static func wishRow(_ row: PQRow) throws(PQError) -> WishRow {
        let agentIDs = try row.column("agent_ids", as: [String].self)
        let names = try row.column("names", as: [String].self)
        var first: [HeldWish.Person] = []
        for (agentID, name) in zip(agentIDs, names) where !first.contains(where: { $0.agentID == agentID }) {
            first.append(HeldWish.Person(agentID: agentID, name: name))
        }
        return WishRow(
            change: try row.column("change", as: Int64.self),
            ask: try ask(row),
            wish: HeldWish(
                concerned: try row.column("concerned", as: Int64.self),
                first: Array(first.prefix(HeldWish.personLimit))
            )
        )
    }

    /// What is asked for; `nil` of a change without parts.
    private static func ask(_ row: PQRow) throws(PQError) -> HeldWish.Ask? {
        guard let kind = try row.column("kind", as: String?.self) else { return nil }
        let agents = try row.column("agents", as: Int64?.self) ?? 0
        var ask = HeldWish.Ask(kind: kind, agents: agents)
        ask.unassigns = try row.column("unassigns", as: Bool?.self) ?? false
        if agents == 1 { ask.instance = try row.column("instance_id", as: String?.self) }
        guard let json = try row.column("what", as: PQJSON?.self) else { return ask }
        switch HeldWhat(kind: kind, json: json) {
        case .hold(let hold): ask.hold = hold
        case .removal(let erases): ask.erases = erases
        case .instance, .events, .release, nil: break
        }
        return ask
    }
}

extension HeldWish {
    /// Says the one thing that a change without parts asks for.
    fileprivate mutating func stand(for kind: String, _ agents: Int64) {
        asks = [Ask(kind: kind, agents: agents)]
        concerned = agents
    }
}
