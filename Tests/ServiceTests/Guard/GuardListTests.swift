import Domain
import LibPQ
import Testing

@testable import Service

/// What asks about the sessions of a list while the list is still coming in.
@Suite("Guard: a list in portions", .timeLimit(.minutes(3)))
struct GuardListTests {
    /// Imports a portion that gives one agent a session.
    private func add(
        _ agentID: String,
        as ticket: GuardTicket,
        _ fixture: ManagementFixture
    ) async throws -> GuardTicket {
        let spec = AgentSpec(
            agentID: agentID,
            instance: .set(InstanceSpec(engine: "main", instanceID: "i-\(agentID)"))
        )
        let put = try await fixture.dependencies.directory
            .put([spec], caller: nil, author: "hr", origin: .listing(ticket))
        return put.held.ticket
    }

    @Test
    func `what is settled before the next portion comes is not added to, for nobody would be asked`() async throws {
        try await withManagement { fixture in
            let first = try await add("n1", as: GuardTicket(), fixture)
            let settled = try #require(first.listing)
            // The session was seen stopped.
            _ = try await fixture.pool.query("UPDATE instances SET listed_by = NULL")
            await fixture.keeper.tend()
            #expect(try await fixture.state(of: settled) == "settled")
            let second = try await add("n2", as: first, fixture)
            let change = try #require(second.listing)
            #expect(change != settled)
            try await fixture.observe("n2", "WORKING", .needsAttention, reason: .listedOnly)
            await fixture.keeper.tend()
            #expect(try await fixture.heldChanges() == [change])
            #expect(try await fixture.openIncidents() == ["change_held"])
            // As long as it waits, more comes to it.
            #expect(try await add("n3", as: second, fixture).listing == change)
        }
    }

    @Test
    func `what a portion is adding to at the moment is not settled`() async throws {
        try await withManagement { fixture in
            let change = try #require(try await add("n1", as: GuardTicket(), fixture).listing)
            let instance = try await fixture.count("SELECT instance AS count FROM instances")
            _ = try await fixture.pool.query("UPDATE instances SET listed_by = NULL")
            let keeper = fixture.keeper
            let round = try await fixture.pool.withTransaction { transaction in
                try await transaction.run([GuardStatements.mark([instance], listedBy: change)])
                let round = Task { await keeper.tend() }
                let deadline = ContinuousClock.now + .seconds(20)
                while try await fixture.pool.query(Self.isWaiting).isEmpty,
                    try await fixture.state(of: change) == "held"
                {
                    try #require(ContinuousClock.now < deadline, "nobody waits for the change")
                    _ = try await fixture.pool.query("SELECT pg_sleep(0.02)")
                }
                return round
            }
            await round.value
            #expect(try await fixture.state(of: change) == "held")
        }
    }

    private static let isWaiting: PQStatement = """
        SELECT l.pid
        FROM pg_locks l
        JOIN pg_stat_activity a ON a.pid = l.pid
        WHERE NOT l.granted
          AND a.datname = current_database()
        """
}
