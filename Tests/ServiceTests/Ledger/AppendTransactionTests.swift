import Domain
import FoundationEssentials
import LibPQ
import Testing

@testable import Service

/// Agents whose ledgers a batch has to read whole.
@Suite("AppendTransaction", .timeLimit(.minutes(2)))
struct AppendTransactionTests {
    private static let agents = (1...20).map { "a\($0)" }

    private func events(_ kind: PunchKind, at instant: Timestamp) -> [IncomingEvent] {
        Self.agents.map { agent in
            IncomingEvent(
                dedupe: UUID(),
                sourceID: 0,
                externalID: agent,
                matchesAgentID: true,
                kind: kind,
                occurredAt: instant,
                hasOwnTime: true,
                receivedAt: instant,
                effectiveAt: instant,
                eventID: "\(agent) \(kind.rawValue)"
            )
        }
    }

    @Test
    func `more agents than are folded again at a time are all folded`() async throws {
        try await withMigratedDatabase { pool, _ in
            _ = try await pool.query("INSERT INTO agents (agent_id) SELECT unnest(\(Self.agents))")
            _ = try await pool.query("INSERT INTO agent_states (agent) SELECT agent FROM agents")
            let clock = DatabaseClock()
            try await clock.measure(pool)
            let transaction = AppendTransaction(
                pool: pool,
                leases: LeaseBook(),
                policy: ReconcilePolicy(),
                clock: clock,
                timeout: .seconds(20)
            )
            let end = Timestamp(seconds: 1_700_000_000)
            _ = try await transaction.run(events(.clockOut, at: end))
            // Late: only all that was said tells that the clock-outs ended something.
            _ = try await transaction.run(events(.clockIn, at: end - .seconds(3600)))
            let ended = try await pool.query("SELECT agent FROM agent_states WHERE shift = 0 AND shift_since = \(end)")
            #expect(ended.rowCount == Self.agents.count)
            var differences: [LedgerVerifier.Difference] = []
            let compared = try await LedgerVerifier(pool: pool, policy: ReconcilePolicy(), clock: clock).run {
                differences.append($0)
            }
            #expect(compared == Self.agents.count)
            #expect(differences == [])
        }
    }

    @Test
    func `portions grow while there is little to read, and shrink down to one agent`() {
        var portion = RefoldPortion()
        var sizes = [portion.size]
        for rows in [0, RefoldPortion.rows / 2, RefoldPortion.rows, RefoldPortion.rows + 1] {
            portion.read(rows: rows)
            sizes.append(portion.size)
        }
        #expect(sizes == [4, 8, 16, 16, 8])
        #expect(portion.isTooLarge)
        for _ in 0..<9 { portion.read(rows: .max) }
        #expect(portion.size == 1)
        for _ in 0..<9 { portion.read(rows: 1) }
        #expect(portion.size == RefoldPortion.most)
        #expect(!portion.isTooLarge)
    }
}
