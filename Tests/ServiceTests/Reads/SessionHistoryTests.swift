import Domain
import FoundationEssentials
import LibPQ
import Logging
import Testing

@testable import Service

/// What is kept of sessions over time: whose they were, and when nobody looked.
@Suite("Session history", .timeLimit(.minutes(2)))
struct SessionHistoryTests {
    private func observed(
        _ fixture: ManagementFixture,
        _ agentID: String
    ) async throws -> [(state: String, from: String)] {
        let answer = try await fixture.send("GET", "/v1/agents/\(agentID)/timeline", as: .view).json()
        let intervals = try #require(answer["observed"] as? [[String: Any]])
        return intervals.map { ($0["state"] as? String ?? $0["reason"] as? String ?? "", $0["from"] as? String ?? "") }
    }

    private func number(_ agentID: String, _ fixture: ManagementFixture) async throws -> Int64 {
        try await fixture.count("SELECT agent AS count FROM agents WHERE agent_id = \(agentID)")
    }

    private func instance(of agentID: String, _ fixture: ManagementFixture) async throws -> Int64 {
        try await fixture.count(
            "SELECT x.instance AS count FROM instances x JOIN agents a ON a.agent = x.agent WHERE a.agent_id = \(agentID)"
        )
    }

    /// How many stretches are noted, and how many seconds the longest of them lasts.
    private func gaps(_ fixture: ManagementFixture) async throws -> (count: Int64, seconds: Int64) {
        (
            try await fixture.count("SELECT count(*) AS count FROM look_gaps"),
            try await fixture.count(
                "SELECT coalesce(extract(epoch FROM max(to_at - from_at)), 0)::bigint AS count FROM look_gaps"
            )
        )
    }

    @Test
    func `a session that moved shows each agent their own part of it, and former sessions stay`() async throws {
        try await withManagement { fixture in
            try await fixture.addAgent("ana", instance: "old")
            try await fixture.addAgent("bob", instance: "shared")
            let former = try await instance(of: "ana", fixture)
            let shared = try await instance(of: "bob", fixture)
            let ana = try await number("ana", fixture)
            _ = try await fixture.pool.query(
                """
                INSERT INTO session_changes (instance, at, recorded_at, reading)
                VALUES (\(former), now() - interval '8 hours', now(), 'FAILED'),
                    (\(shared), now() - interval '8 hours', now(), 'SCAN_QR_CODE')
                """
            )
            _ = try await fixture.pool.query(
                """
                INSERT INTO commands (instance, command_id, account, action, agent, term, intended_at, reason)
                SELECT \(former), 1, account, 0, \(ana), 1, now() - interval '7 hours', 'should_stop'
                FROM engine_accounts
                """
            )
            _ = try await fixture.send("PUT", "/v1/agents/bob", json: #"{"team":"support","instance":null}"#)
            try await fixture.addAgent("ana", instance: "shared")
            // It all happened earlier: two hours ago the session moved, and the former one is long gone.
            _ = try await fixture.pool.pipeline([
                "UPDATE session_owners SET from_at = from_at - interval '10 hours' WHERE to_at IS NOT NULL",
                "UPDATE session_owners SET to_at = to_at - interval '2 hours' WHERE to_at IS NOT NULL",
                "UPDATE session_owners SET from_at = from_at - interval '2 hours' WHERE to_at IS NULL",
                "DELETE FROM instances WHERE instance = \(former)",
            ])
            try await fixture.observe("ana", "STOPPED")
            let own = try await observed(fixture, "ana")
            #expect(own.map(\.state) == ["not_recorded", "FAILED", "SCAN_QR_CODE", "STOPPED", "not_recorded"])
            let moved = (fixture.clock.now() - .seconds(2 * 3600 + 120)).rfc3339
            #expect(own.count == 5 && own[2].from > moved, "what was the other's before is theirs alone")
            #expect(
                try await observed(fixture, "bob").map(\.state) == ["not_recorded", "SCAN_QR_CODE", "not_recorded"]
            )
            let timeline = try await fixture.send("GET", "/v1/agents/ana/timeline").json()
            #expect((timeline["commands"] as? [[String: Any]])?.count == 1)
            #expect(try await fixture.send("DELETE", "/v1/agents/ana?stop=true").status < 300)
        }
    }

    @Test
    func `what is kept of a session that is gone goes with whoever had it`() async throws {
        try await withManagement { fixture in
            try await fixture.addAgent("ana", instance: "i")
            let session = try await instance(of: "ana", fixture)
            _ = try await fixture.pool.pipeline([
                "INSERT INTO session_changes (instance, at, recorded_at, reading) VALUES (\(session), now(), now(), 'STOPPED')",
                "INSERT INTO look_gaps (instance, from_at, to_at) VALUES (\(session), now() - interval '1 hour', now())",
                "DELETE FROM instances WHERE instance = \(session)",
            ])
            #expect(try await fixture.count("SELECT count(*) AS count FROM session_changes") == 1)
            _ = try await fixture.pool.query("DELETE FROM agents WHERE agent_id = 'ana'")
            #expect(try await fixture.count("SELECT count(*) AS count FROM session_changes") == 0)
            #expect(try await fixture.count("SELECT count(*) AS count FROM look_gaps") == 0)
            #expect(try await fixture.count("SELECT count(*) AS count FROM session_owners") == 0)
        }
    }

    @Test(arguments: ["WORKING", "STOPPED"])
    func `an outage is noted by the first look after it, whatever that finds, and the picture has it`(
        after: String
    )
        async throws
    {
        try await withManagement { fixture in
            try await fixture.addAgent("ana")
            let session = try await instance(of: "ana", fixture)
            try await fixture.observe("ana", "WORKING", ago: .seconds(4 * 3600))
            // The last look before the outage.
            _ = try await fixture.pool.pipeline([
                "DELETE FROM looks",
                "INSERT INTO looks (instance, looked_at) VALUES (\(session), now() - interval '3 hours')",
                "UPDATE session_owners SET from_at = now() - interval '5 hours'",
            ])
            if after == "WORKING" {
                let look = Look(instance: session, lookedAt: fixture.clock.now(), reading: .status(.working))
                _ = try await fixture.pool.execute(LookStatements.record([look], counting: nil))
            } else {
                try await fixture.observe("ana", after)
            }
            let noted = try await gaps(fixture)
            #expect(noted.count == 1 && abs(noted.seconds - 3 * 3600) < 60)
            let states = try await observed(fixture, "ana").map(\.state)
            #expect(states.starts(with: ["not_recorded", "WORKING", "not_read", after]), "\(states)")
        }
    }

    @Test
    func `looks that follow each other closely enough leave nothing behind`() async throws {
        try await withManagement { fixture in
            try await fixture.addAgent("ana")
            let session = try await instance(of: "ana", fixture)
            try await fixture.observe("ana", "STOPPED", ago: .seconds(900))
            let slow = Freshness(onShift: .seconds(20), offShift: .seconds(200), instances: 1, callsPerSecond: 50)
            for (ago, freshness) in [(740, nil), (570, nil), (0, slow)] as [(Int64, Freshness?)] {
                let look = Look(
                    instance: session,
                    lookedAt: fixture.clock.now() - .seconds(ago),
                    reading: .status(.stopped)
                )
                _ = try await fixture.pool.execute(LookStatements.record([look], counting: freshness))
            }
            #expect(try await gaps(fixture).count == 0)
            let late = Look(
                instance: session,
                lookedAt: fixture.clock.now() + .seconds(190),
                reading: .status(.stopped)
            )
            _ = try await fixture.pool.execute(LookStatements.record([late], counting: nil))
            #expect(try await gaps(fixture).count == 1, "three minutes and more off shift, by the default")
        }
    }

    @Test(arguments: [true, false])
    func `that nobody was there is noted by the first heartbeat after it`(leaves: Bool) async throws {
        try await withManagement { fixture in
            func beat(_ ago: Int) -> PQStatement {
                """
                INSERT INTO replicas (replica, seen_at, expires_at, release)
                VALUES (gen_random_uuid(), now() - make_interval(secs => \(Double(ago))), now() - make_interval(secs => \(Double(ago))), 'x')
                """
            }
            _ = try await fixture.pool.pipeline([beat(7210), beat(7200)])
            #expect(try await gaps(fixture).count == 0)
            if leaves { _ = try await fixture.pool.query("DELETE FROM replicas") }
            _ = try await fixture.pool.pipeline([beat(0)])
            let noted = try await gaps(fixture)
            #expect(noted.count == 1 && abs(noted.seconds - 7200) < 60)
            try await fixture.addAgent("ana")
            try await fixture.observe("ana", "WORKING", ago: .seconds(3 * 3600))
            _ = try await fixture.pool.pipeline([
                "UPDATE session_owners SET from_at = now() - interval '5 hours'",
                "UPDATE looks SET looked_at = now()", "DELETE FROM look_gaps WHERE instance <> 0",
            ])
            let states = try await observed(fixture, "ana").map(\.state)
            #expect(states.starts(with: ["not_recorded", "WORKING", "not_read", "WORKING"]), "\(states)")
        }
    }

    @Test(arguments: [true, false])
    func `a heartbeat notes it whether it goes on or clears away who was there before`(goesOn: Bool) async throws {
        try await withManagement { fixture in
            let (former, next) = (UUID(), UUID())
            _ = try await fixture.pool.query(
                """
                INSERT INTO replicas (replica, seen_at, expires_at, release)
                VALUES (\(former), now() - interval '2 hours', now() - interval '2 hours', 'x')
                """
            )
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let store = PostgresReconcilerStore(
                pool: fixture.pool,
                listening: fixture.pool.configuration,
                logger: logger
            )
            let beat = Heartbeat(replica: goesOn ? former : next, release: "x", accounts: [], lastWake: 0)
            for _ in 1...2 {
                _ = try await store.beat(beat)
                let noted = try await gaps(fixture)
                #expect(noted.count == 1 && abs(noted.seconds - 7200) < 60, "once, and no more with beats in time")
            }
            #expect(try await fixture.count("SELECT count(*) AS count FROM replicas") == 1)
        }
    }

    @Test
    func `old stretches go, and whose a session was long ago`() async throws {
        try await withManagement { fixture in
            try await fixture.addAgent("ana")
            let ana = try await number("ana", fixture)
            _ = try await fixture.pool.pipeline([
                """
                INSERT INTO look_gaps (instance, from_at, to_at)
                SELECT 1, now() - make_interval(days => d), now() - make_interval(days => d - 1)
                FROM unnest(ARRAY[300, 100, 50]) AS d
                """,
                """
                INSERT INTO session_owners (instance, agent, from_at, to_at)
                SELECT 1000, \(ana), now() - make_interval(days => d), now() - make_interval(days => d - 1)
                FROM unnest(ARRAY[300, 100, 50]) AS d
                """,
            ])
            let history = OldHistory(pool: fixture.pool)
            #expect(try await history.forget(keep: Retention.changesKept) == 4)
            #expect(try await history.forget(keep: Retention.changesKept) == 0)
            #expect(try await fixture.count("SELECT count(*) AS count FROM look_gaps WHERE instance = 1") == 1)
            #expect(try await fixture.count("SELECT count(*) AS count FROM session_owners") == 2)
        }
    }
}
