import Domain
import LibPQ

// Keys that are bound to teams. Whom an event is about is known where it is matched, so there it is checked, and the map cannot
// change in between.
extension AppendTransaction {
    /// The places of events whose senders may not speak of their agents.
    ///
    /// Asked before anything is added, for one round trip more: what is refused was never in the ledger, and what others sent
    /// is not taken back with it. Nothing is asked where every sender may speak of everybody. From here on the map stands
    /// still until the transaction ends.
    func outsiders(among events: [IncomingEvent], in transaction: PQTransaction) async throws -> Set<Int> {
        let bound = events.indices.filter { events[$0].teams != nil }
        guard !bound.isEmpty else { return [] }
        let answers = try await transaction.run(
            [LedgerStatements.holdMap, LedgerStatements.outsiders(events, at: bound)],
            timeout: timeout
        )
        let place = try answers[1].decoder("place", as: Int64.self)
        return Set(try answers[1].map { row in Int(try place[row]) })
    }
}

extension AppendTransaction.Result {
    /// The result of a whole batch, of which this is that of some events.
    ///
    /// `inside`: the places of those; all others are refused.
    func spread(to inside: [Int], of count: Int) -> Self {
        var whole = self
        whole.outcomes = Array(repeating: .outsideTeam, count: count)
        for (place, outcome) in zip(inside, outcomes) { whole.outcomes[place] = outcome }
        return whole
    }
}

extension LedgerStatements {
    /// The places of events about agents outside the teams that their senders may speak of, or about nobody who is known.
    ///
    /// Matched as ``append(_:)`` matches. Indexes: `agent_aliases_pkey`, `agents_agent_id_key`, `agents_pkey`.
    ///
    /// `places`: those of the events in `events` whose ``IncomingEvent/teams`` are not all.
    static func outsiders(_ events: [IncomingEvent], at places: [Int]) -> PQStatement {
        var callers: [[String]: Int32] = [:]
        let bound = places.map { events[$0] }
        let callerOf = bound.map { event -> Int32 in
            let teams = event.teams ?? []
            let caller = callers[teams] ?? Int32(callers.count)
            callers[teams] = caller
            return caller
        }
        let permitted = callers.flatMap { teams, caller in teams.map { (caller: caller, team: $0) } }
        return """
            SELECT m.place
            FROM (
                SELECT n.place, n.caller, (
                    SELECT a.team
                    FROM agents a
                    WHERE a.agent = coalesce(
                        (SELECT l.agent FROM agent_aliases l WHERE l.source_id = n.source_id AND l.external_id = n.external_id),
                        (SELECT k.agent FROM agents k WHERE n.matches_id AND k.agent_id = n.external_id)
                    )
                ) AS team
                FROM unnest(
                    \(places.map(Int64.init)), \(callerOf), \(bound.map(\.sourceID)), \(bound.map(\.externalID)),
                    \(bound.map(\.matchesAgentID))
                ) AS n (place, caller, source_id, external_id, matches_id)
                OFFSET 0
            ) m
            WHERE NOT EXISTS (
                SELECT
                FROM unnest(\(permitted.map(\.caller)), \(permitted.map(\.team))) AS p (caller, team)
                WHERE p.caller = m.caller
                  AND p.team = m.team
            )
            """
    }
}

extension BatchDelivery {
    /// The same delivery where it lies once events at some places, none of them its own, are left out.
    func moved(past outside: Set<Int>) -> BatchDelivery {
        let before = outside.count(where: { $0 < places.lowerBound })
        var moved = self
        moved.places = (places.lowerBound - before)..<(places.upperBound - before)
        return moved
    }
}
