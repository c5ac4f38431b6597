import Domain
import LibPQ
import Testing

@testable import Service

/// What was approved and is not carried out yet, and what comes meanwhile.
@Suite("Guard: carrying out", .timeLimit(.minutes(3)))
struct GuardCarryOutTests {
    private static let isWaiting: PQStatement = """
        SELECT l.pid
        FROM pg_locks l
        JOIN pg_stat_activity a ON a.pid = l.pid
        WHERE NOT l.granted
          AND a.datname = current_database()
        """

    /// Lets holds of some agents wait.
    private func addHeld(_ agents: [String], _ fixture: ManagementFixture) async throws {
        try await fixture.addOnShift((1...5).map { "a\($0)" } + agents)
        for number in 1...5 { #expect(try await fixture.hold("a\(number)") == 200) }
        for agent in agents { #expect(try await fixture.hold(agent) == 202) }
    }

    /// Approves all that waits as a replica does that dies before it carries it out.
    private func approve(_ fixture: ManagementFixture) async throws {
        _ = try await fixture.pool.query(
            "UPDATE guard_items SET state = 'approved', decided_by = 'eva', decided_at = now() WHERE state = 'held'"
        )
    }

    private func hold(of agentID: String, _ fixture: ManagementFixture) async throws -> String? {
        let agent = try await fixture.send("GET", "/v1/agents/\(agentID)").json()
        return (agent["hold"] as? [String: Any])?["state"] as? String
    }

    private func states(_ fixture: ManagementFixture) async throws -> [String] {
        try await fixture.pool.rows(
            "SELECT i.state FROM guard_items i JOIN agents a ON a.agent = i.agent ORDER BY a.agent_id, i.item"
        ) { row throws(PQError) in try row.column("state", as: String.self) }
    }

    @Test
    func `a newer order ends one that is approved and not carried out yet`() async throws {
        try await withManagement { fixture in
            try await addHeld(["b1", "b2"], fixture)
            try await approve(fixture)
            #expect(try await fixture.hold("b1", "running", reason: "newer") == 200)
            #expect(try await fixture.send("DELETE", "/v1/agents/b2/hold").status == 204)
            #expect(try await states(fixture) == ["superseded", "superseded"])
            await fixture.keeper.tend()
            #expect(try await hold(of: "b1", fixture) == "running")
            #expect(try await hold(of: "b2", fixture) == nil)
        }
    }

    @Test
    func `whoever took an order before the newer one came does not carry it out any more`() async throws {
        try await withManagement { fixture in
            try await addHeld(["b1", "b2", "b3"], fixture)
            _ = try await fixture.pool.query(
                "UPDATE guard_items SET kind = 'removal', what = '{}' WHERE item = (SELECT max(item) FROM guard_items)"
            )
            try await approve(fixture)
            let due = try await fixture.pool.rows(GuardDueStatements.claim, DuePart.init).sorted { $0.item < $1.item }
            #expect(due.map(\.agentID) == ["b1", "b2", "b3"])
            for agent in ["b1", "b2", "b3"] { #expect(try await fixture.hold(agent, "running") == 200) }
            try await fixture.observe("b3", "STOPPED")
            let orders = fixture.dependencies.orders
            let nobody = Caller(keyID: GuardDueStatements.nobody, name: "eva", role: .admin, sourceID: 0)
            let late = Hold(state: .stopped, until: fixture.clock.now() + .seconds(600), reason: "late", author: "eva")
            await #expect(throws: PartIsOver.self) {
                _ = try await orders.hold("b1", late, by: nobody, origin: .part(due[0].item))
            }
            await #expect(throws: PartIsOver.self) {
                _ = try await orders.release("b2", by: nobody, origin: .part(due[1].item))
            }
            await #expect(throws: PartIsOver.self) {
                _ = try await orders.remove("b3", stop: true, by: nobody, origin: .part(due[2].item))
            }
            for agent in ["b1", "b2", "b3"] { #expect(try await hold(of: agent, fixture) == "running") }
        }
    }

    @Test
    func `that an order is carried out is written with it, so that nobody does it again`() async throws {
        try await withManagement { fixture in
            try await addHeld(["b1", "b2"], fixture)
            try await approve(fixture)
            try await fixture.pool.withTransaction { transaction in
                try await transaction.run([
                    """
                    SELECT s.agent
                    FROM agent_states s
                    JOIN agents a ON a.agent = s.agent
                    WHERE a.agent_id = 'b2'
                    FOR UPDATE OF s
                    """
                ])
                let keeper = fixture.keeper
                let round = Task { await keeper.tend() }
                defer { round.cancel() }
                let deadline = ContinuousClock.now + .seconds(20)
                while try await fixture.pool.query(Self.isWaiting).isEmpty {
                    try #require(ContinuousClock.now < deadline, "nobody waits for the agent")
                    _ = try await fixture.pool.query("SELECT pg_sleep(0.02)")
                }
                let done = "SELECT count(*) AS count FROM guard_items WHERE outcome = 'done' AND claimed_until IS NULL"
                #expect(try await fixture.count(PQStatement(stringLiteral: done)) == 1)
                #expect(try await hold(of: "b1", fixture) == "stopped")
                round.cancel()
                await round.value
            }
        }
    }

    @Test
    func `a newer session ends one that is approved and not given yet, and the same goes on`() async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(["a1", "a2"])
            let file = fixture.fileOfSessions(["a1", "a2"], prefix: "j")
            let change = try #require(try await fixture.importFile(file).heldChange)
            try await approve(fixture)
            let again = try await fixture.importFile(file)
            #expect(again.heldChange == change && again.held == ["a1", "a2"])
            #expect(try await states(fixture) == ["approved", "approved"])
            #expect(try await fixture.addAgent("a1", instance: "k-a1").status == 200)
            #expect(try await states(fixture) == ["superseded", "approved"])
            await fixture.keeper.tend()
            #expect(try await fixture.session(of: "a1") == "k-a1")
            #expect(try await fixture.session(of: "a2") == "j-a2")
        }
    }

    @Test
    func `whoever took a session before the newer one came does not give it any more`() async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(["a1"])
            _ = try await fixture.importFile(fixture.fileOfSessions(["a1"], prefix: "j"))
            try await approve(fixture)
            let due = try await fixture.pool.rows(GuardDueStatements.claim, DuePart.init)
            #expect(due.map(\.agentID) == ["a1"])
            #expect(try await fixture.addAgent("a1", instance: "k-a1").status == 200)
            #expect(try await fixture.dependencies.directory.carryOut(due, author: "eva").isEmpty)
            #expect(try await fixture.session(of: "a1") == "k-a1")
            #expect(try await states(fixture) == ["superseded"])
        }
    }

    @Test
    func `a removal ends what waits to give the agent a session, which would take the removal back`() async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(["a1", "a2"])
            let file = fixture.fileOfSessions(["a1", "a2"], prefix: "j")
            let change = try #require(try await fixture.importFile(file).heldChange)
            // One is approved by who dies before it is carried out, the other still waits for somebody.
            _ = try await fixture.pool.query(
                """
                UPDATE guard_items
                SET state = 'approved', decided_by = 'eva', decided_at = now()
                WHERE agent = (SELECT a.agent FROM agents a WHERE a.agent_id = 'a1')
                """
            )
            for agent in ["a1", "a2"] {
                let removal = try await fixture.send("DELETE", "/v1/agents/\(agent)?stop=true&erase=true")
                #expect(removal.status == 202, "\(removal.text)")
            }
            #expect(try await states(fixture) == ["superseded", "superseded"])
            await fixture.keeper.tend()
            let approved = try await fixture.send("POST", "/v1/guard/\(change)/approve")
            #expect(try approved.code() == "already_decided", "\(approved.text)")
            let leaving: PQStatement = """
                SELECT count(*) AS count
                FROM agents
                WHERE removal_asked_at IS NOT NULL
                  AND erasure_asked_at IS NOT NULL
                """
            #expect(try await fixture.count(leaving) == 2)
            #expect(try await fixture.session(of: "a1") == "i-a1")
            #expect(try await fixture.openIncidents().isEmpty)
        }
    }

    @Test
    func `a part that this release does not know is left to one that does, and keeps nothing else waiting`()
        async throws
    {
        try await withManagement { fixture in
            try await addHeld(["b1", "b2"], fixture)
            // As a later release would write it.
            _ = try await fixture.pool.query(
                #"UPDATE guard_items SET what = what || '{"state":"paused"}' WHERE item = (SELECT min(item) FROM guard_items)"#
            )
            try await approve(fixture)
            await fixture.keeper.tend()
            let left = "SELECT count(*) AS count FROM guard_items WHERE outcome IS NULL AND claimed_until IS NULL"
            #expect(try await fixture.count(PQStatement(stringLiteral: left)) == 1)
            #expect(try await hold(of: "b1", fixture) == nil)
            #expect(try await hold(of: "b2", fixture) == "stopped")
        }
    }
}
