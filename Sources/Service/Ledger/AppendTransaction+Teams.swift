import Domain
import LibPQ

/// Events of an append whose senders may not speak of their agents.
struct OutsideTeams: Error {
    /// Places in the batch.
    var places: Set<Int>
}

// Keys that are bound to teams. Whom an event is about is known where it is matched, so there it is checked, and the map cannot
// change in between.
extension AppendTransaction {
    /// Appends a batch in which some senders may not speak of everybody; their events about others are left out and refused.
    ///
    /// Who is outside is asked in the round trip that adds the events. Seldom anybody is: then all of it is taken back, and
    /// the rest is appended anew, so that nothing of what is refused was ever in the ledger.
    func append(withoutOutsiders events: [IncomingEvent], _ deliveries: [BatchDelivery]) async throws -> Result {
        var outside: Set<Int> = []
        while true {
            let inside = events.indices.filter { !outside.contains($0) }
            guard !inside.isEmpty else { return Result(outcomes: events.map { _ in .outsideTeam }, plans: []) }
            do {
                var result = try await append(inside.map { events[$0] }, deliveries.map { $0.moved(past: outside) })
                var outcomes = Array(repeating: AppendOutcome.outsideTeam, count: events.count)
                for (place, outcome) in zip(inside, result.outcomes) { outcomes[place] = outcome }
                result.outcomes = outcomes
                return result
            } catch let found as OutsideTeams where !found.places.isEmpty {
                outside.formUnion(found.places.map { inside[$0] })
            }
        }
    }

    /// The question for ``refuseOutsiders(_:)``; none where every sender may speak of everybody.
    func outsiders(among events: [IncomingEvent]) -> [PQStatement] {
        let bound = events.indices.filter { events[$0].teams != nil }
        return bound.isEmpty ? [] : [LedgerStatements.outsiders(events, at: bound)]
    }

    /// Throws ``OutsideTeams`` for what ``outsiders(among:)`` found, if it asked and found anything.
    func refuseOutsiders(_ answers: ArraySlice<PQResult>) throws {
        guard let answer = answers.first, answer.rowCount > 0 else { return }
        let place = try answer.decoder("place", as: Int64.self)
        var places: Set<Int> = []
        for row in answer { places.insert(Int(try place[row])) }
        throw OutsideTeams(places: places)
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
    fileprivate func moved(past outside: Set<Int>) -> BatchDelivery {
        let before = outside.count(where: { $0 < places.lowerBound })
        var moved = self
        moved.places = (places.lowerBound - before)..<(places.upperBound - before)
        return moved
    }
}
