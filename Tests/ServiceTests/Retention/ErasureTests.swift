import ClockSources
import Domain
import Foundation
import LibPQ
import Testing

@testable import Service

/// What is left of a person after an erasure, as somebody sees it who reads the whole database.
@Suite("Erasure", .timeLimit(.minutes(3)))
struct ErasureTests {
    private func withService(_ body: @escaping @Sendable (RunningService) async throws -> Void) async throws {
        try await withRunningService { setup in
            setup.addVendor()
            setup.sources.append(ConfiguredSource(name: "desk", reader: ScriptedSource(), matchesAgentID: false))
        } _: { service in
            // Bodies lie in months.
            try await service.until {
                try await service.count("SELECT count(*) AS count FROM delivery_partitions()") == 4
            }
            try await body(service)
        }
    }

    private func others(_ service: RunningService) async throws -> [String] {
        try await service.owner.rows(
            """
            SELECT e::text AS line FROM clock_events e WHERE e.external_id = 'bo'
            UNION ALL SELECT d::text FROM deliveries d WHERE d.delivery_id IN ('bo-d1', 'ig-2')
            UNION ALL SELECT a::text FROM agents a WHERE a.agent_id = 'bo'
            UNION ALL SELECT x::text FROM instances x JOIN agents a USING (agent) WHERE a.agent_id = 'bo'
            UNION ALL SELECT u::text FROM audit u WHERE u.subject = 'bo'
            UNION ALL SELECT i::text FROM delivery_ids i WHERE i.delivery_id IN ('bo-d1', 'ig-2')
            ORDER BY 1
            """
        ) { row throws(PQError) in try row.column("line", as: String.self) }
    }

    private func numbers(_ service: RunningService) async throws -> [String] {
        try await service.owner.rows(
            """
            SELECT concat_ws(' ', sequence, dedupe, agent, source_id, kind, ordinal, occurred_at, effective_at, received_at,
                version, warnings) AS line
            FROM clock_events
            ORDER BY sequence
            """
        ) { row throws(PQError) in try row.column("line", as: String.self) }
    }

    @Test
    func `of an agent who works nothing is left once the session is stopped, and everything else stands`() async throws
    {
        try await withService { service in
            try await Zelda.live(service)
            let footprint = Footprint(owner: service.owner)
            let before = try await footprint.places(of: Zelda.words)
            // The test can fail: the words are everywhere.
            for table in [
                "agents", "agent_aliases", "former_names", "clock_events", "holds", "agent_states", "instances",
                "commands",
                "incidents", "audit", "delivery_ids", "samples",
            ] {
                #expect(before.contains { $0.hasPrefix("\(table):") }, "\(table)")
            }
            #expect(before.contains { $0.hasPrefix("deliveries_2") })
            let (others, numbers) = (try await others(service), try await numbers(service))
            #expect(others.count >= 8)

            let refused = try await service.send("DELETE", "/v1/agents/\(Zelda.agentID)?erase=true")
            #expect(try refused.code() == "instance_running")
            let answer = try await service.send("DELETE", "/v1/agents/\(Zelda.agentID)?stop=true&erase=true")
            #expect(answer.status == 202, "\(answer.text)")
            try await service.until(within: .seconds(60)) {
                try await service.send("GET", "/v1/agents/\(Zelda.agentID)").status == 404
            }
            try await service.until(within: .seconds(60)) {
                try await service.count("SELECT count(*) AS count FROM erasures") == 0
            }
            // The planner's samples are drawn anew right after.
            try await service.until { try await footprint.places(of: Zelda.words).isEmpty }

            #expect(try await service.count("SELECT count(*) AS count FROM deliveries") == 2)
            #expect(try await self.others(service) == others)
            #expect(try await self.numbers(service) == numbers)
            #expect(try await service.agent("bo").shift == "in")
            #expect(try await !service.send("GET", "/v1/unmatched").text.contains("erased:"))
            let names = try await service.count(
                "SELECT count(DISTINCT external_id) AS count FROM clock_events WHERE is_erased(external_id)"
            )
            #expect(names == 1)
            let clock = DatabaseClock()
            try await clock.measure(service.owner)
            try await expectVerified(service, clock)
            try await expectAppendOnly(service)
        }
    }

    @Test
    func `what an erased person's senders send again changes nothing, and what is new is about somebody new`()
        async throws
    {
        try await withService { service in
            try await Zelda.live(service)
            try await erase(service)
            let ledger = try await service.ledgerCount()
            let bodies = try await service.count("SELECT count(*) AS count FROM deliveries")
            for (place, script) in Zelda.deliveries.enumerated() where place != 4 {
                let answer = try await service.tell(script)
                #expect(answer.status == 200)
                let items = try answer.decoded(as: ItemsView.self).results
                #expect(items.allSatisfy { $0.replayed == true }, "\(place): \(answer.text)")
            }
            let native = try await service.clock(
                "clock-in",
                Zelda.agentID,
                json: #"{"event_id":"native-\#(Zelda.agentID)-1"}"#
            )
            #expect(native.status == 200, "\(native.text)")
            #expect(try await service.ledgerCount() == ledger)
            #expect(try await service.count("SELECT count(*) AS count FROM deliveries") == bodies)
            let left = try await Footprint(owner: service.owner).places(of: Zelda.words)
            #expect(left.isEmpty, "\(left)")

            let news = try await service.clock("clock-out", Zelda.agentID)
            #expect(news.status == 202 && news.text.contains("unmatched"), "\(news.text)")
            #expect(try await service.send("GET", "/v1/unmatched").text.contains(Zelda.agentID))
            try await service.addWithoutSession(Zelda.agentID)
            let view = try await service.agent(Zelda.agentID)
            #expect(view.shift == "out" && view.generation <= 1, "\(view)")
            let inherited: PQStatement = """
                SELECT count(*) AS count
                FROM clock_event_matches m
                JOIN agents a ON a.agent = m.agent
                WHERE a.agent_id = \(Zelda.agentID)
                """
            #expect(try await service.count(inherited) == 1)
        }
    }

    @Test
    func `somebody who was deleted before is erased by the same id, once`() async throws {
        try await withService { service in
            try await Zelda.live(service)
            try await delete(service)
            #expect(try await !Footprint(owner: service.owner).places(of: Zelda.words).isEmpty)
            let stranger = try await service.send(
                "DELETE",
                "/v1/agents/\(Zelda.agentID)?erase=true",
                key: try await teamKey(service)
            )
            #expect(stranger.status == 404)
            let path = "/v1/agents/\(Zelda.agentID)?erase=true"
            #expect(try await service.send("DELETE", path).status == 204)
            let left = try await Footprint(owner: service.owner).places(of: Zelda.words)
            #expect(left.isEmpty, "\(left)")
            #expect(try await service.send("DELETE", path).status == 404)
            let entries = "SELECT count(*) AS count FROM audit WHERE deed = 'person.erase' AND subject = 'erased'"
            #expect(try await service.count(PQStatement(stringLiteral: entries)) == 1)
        }
    }

    @Test
    func `a name that was never an agent's is erased at its source, and an agent's name is not`() async throws {
        try await withService { service in
            try await service.addWithoutSession("bo")
            try await service.tell(.init(punches: [Zelda.punch("zq-form id", "clock_in", 10, id: "n1")]))
            try await service.tell(.init(punches: [Zelda.punch("bo", "clock_in", 10, id: "n2")]))
            let path = "/v1/sources/vendor/people/zq-form%20id"
            for _ in 0..<2 { #expect(try await service.send("DELETE", path).status == 204) }
            #expect(try await Footprint(owner: service.owner).places(of: ["zq-form id"]) == [])
            try await expectUnseen(service)
            let taken = try await service.send("DELETE", "/v1/sources/vendor/people/bo")
            #expect(try taken.status == 409 && taken.code() == "name_in_use")
            #expect(try await service.send("DELETE", "/v1/sources/nowhere/people/bo").status == 404)
            #expect(try await service.send("DELETE", path, key: try await teamKey(service)).status == 404)
            #expect(try await service.send("DELETE", path, key: nil).status == 401)
            #expect(try await service.agent("bo").shift == "in")
            #expect(try await service.count("SELECT count(*) AS count FROM deliveries") == 1)
        }
    }

    @Test
    func `a name that moved to another stays with the other`() async throws {
        try await withService { service in
            let map = { (agent: String, aliases: String) in
                let answer = try await service.send("PUT", "/v1/agents/\(agent)", json: #"{"aliases":[\#(aliases)]}"#)
                try #require([200, 201].contains(answer.status), "\(answer.text)")
            }
            let desk = #"{"source":"desk","external_id":"desk-number-5"}"#
            let tell = { (id: String) in
                let script = ScriptedSource.Script(punches: [Zelda.punch("desk-number-5", "clock_in", 5, id: id)])
                _ = try await service.send(
                    "POST",
                    "/v1/sources/desk/events",
                    key: nil,
                    headers: ["X-Proof": "good"],
                    body: String(decoding: try JSONEncoder().encode(script), as: UTF8.self)
                )
            }
            try await map("zelda-one", desk)
            try await tell("m1")
            try await map("bo", desk)
            try await tell("m2")
            #expect(try await service.send("DELETE", "/v1/agents/zelda-one?erase=true").status == 204)
            let rows = try await service.owner.rows(
                "SELECT event_id, is_erased(external_id) AS is_gone FROM clock_events ORDER BY sequence"
            ) { row throws(PQError) in
                "\(try row.column("event_id", as: String.self)) \(try row.column("is_gone", as: Bool.self))"
            }
            #expect(rows == ["m1 true", "m2 false"])
            #expect(try await service.agent("bo").shift == "in")
        }
    }

    @Test
    func `the ledger's rows are found by their indexes, however many there are`() async throws {
        try await withMigratedDatabase { owner, _ in
            _ = try await owner.pipeline([
                "INSERT INTO agents (agent_id) SELECT 'a' || n FROM generate_series(1, 2000) n",
                """
                INSERT INTO clock_events (dedupe, agent, source_id, kind, occurred_at, effective_at, received_at, external_id)
                SELECT gen_random_uuid(), CASE WHEN n % 10 > 0 THEN 1 + n % 2000 END, 1, 1, now(), now(), now(), 'a' || 1 + n % 2000
                FROM generate_series(1, 20000) n
                """,
                "UPDATE agents SET removal_asked_at = now(), erasure_asked_at = now(), erasure_sources = '{1}' WHERE agent_id = 'a12'",
                "ANALYZE",
            ])
            try await owner.withTransaction { transaction in
                try await transaction.run(["DELETE FROM agents WHERE agent_id = 'a12'"])
                let erasure = ErasureTraces.Erasure(
                    id: UUID(),
                    agents: [12],
                    others: [13],
                    agentIDs: ["a12"],
                    sourceIDs: [1],
                    externalIDs: ["a12"],
                    names: [],
                    lastDelivery: 0
                )
                try await transaction.run(["SET LOCAL enable_seqscan = off", "SET LOCAL enable_hashjoin = off"])
                let events = try await transaction.rows(TraceStatements.events(of: erasure)) { row throws(PQError) in
                    try row.column("sequence", as: Int64.self)
                }
                #expect(events.count >= 9)
                try await transaction.run(["SELECT erase_events(erasure, \(events)) FROM erasures"])
                let reads = try await transaction.rows(
                    """
                    SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) AS count, n_tup_upd AS changed
                    FROM pg_stat_xact_user_tables
                    WHERE relname = 'clock_events'
                    """
                ) { row throws(PQError) in
                    (try row.column("count", as: Int64.self), try row.column("changed", as: Int64.self))
                }
                #expect(reads.allSatisfy { $0.0 < 400 && $0.1 >= 9 } && reads.count == 1, "\(reads)")
            }
        }
    }

    private func delete(_ service: RunningService) async throws {
        #expect(try await service.send("DELETE", "/v1/agents/\(Zelda.agentID)?stop=true").status == 202)
        try await service.until(within: .seconds(60)) {
            try await service.send("GET", "/v1/agents/\(Zelda.agentID)").status == 404
        }
    }

    private func erase(_ service: RunningService) async throws {
        try await delete(service)
        #expect(try await service.send("DELETE", "/v1/agents/\(Zelda.agentID)?erase=true").status == 204)
    }

    private func teamKey(_ service: RunningService) async throws -> String {
        let answer = try await service.send(
            "POST",
            "/v1/keys",
            json: #"{"name":"of a team","role":"admin","teams":["support"]}"#
        )
        return try #require(answer.json()["key"] as? String, "\(answer.text)")
    }
}
