import Domain
import LibPQ
import Logging
import Synchronization
import Testing

@testable import Service

@Suite("AccountWatch", .timeLimit(.minutes(2)))
struct AccountWatchTests {
    private static let replica = "0b1e7a52-4c1f-4a53-9d3a-1f5b6c7d8e9f"

    private func watch(_ pool: PQPool, _ hands: Hands, changed: @escaping @Sendable () -> Void = {}) -> AccountWatch {
        AccountWatch(
            pool: pool,
            clock: DatabaseClock(process: hands),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
            changed: changed
        )
    }

    /// Makes the database say who has the lease: a replica that was last there so long ago, or nobody since then.
    private func lease(_ pool: PQPool, isHeld: Bool, ago: Duration) async throws {
        _ = try await pool.pipeline([
            """
            INSERT INTO replicas (replica, seen_at, expires_at, release)
            VALUES (\(Self.replica)::text::uuid, now(), now() - make_interval(secs => \(ago.inSeconds)), 'test')
            ON CONFLICT (replica) DO UPDATE
            SET expires_at = excluded.expires_at
            """,
            """
            INSERT INTO engine_leases (account, holder, term, since, left_at)
            SELECT account, CASE WHEN \(isHeld) THEN \(Self.replica)::text::uuid END, 1, now() - interval '1 day',
                CASE WHEN NOT \(isHeld) THEN now() - make_interval(secs => \(ago.inSeconds)) END
            FROM engine_accounts
            ON CONFLICT (account) DO UPDATE
            SET holder = excluded.holder, since = excluded.since, left_at = excluded.left_at
            """,
        ])
    }

    @Test(arguments: [true, false])
    func `an account that nobody has acted for is an incident after a while, once, until somebody does`(
        wasHeld: Bool
    ) async throws {
        try await withManagement { fixture in
            let hands = Hands()
            let changes = Mutex(0)
            let watch = watch(fixture.pool, hands) { changes.withLock { $0 += 1 } }
            hands.advance(by: .seconds(3600))
            try await lease(fixture.pool, isHeld: wasHeld, ago: .seconds(3600))
            await watch.look()
            #expect(try await fixture.openIncidents() == [], "no agent has a session on it")
            try await fixture.addAgent("ana")
            try await lease(fixture.pool, isHeld: wasHeld, ago: AccountWatch.patience - .seconds(20))
            await watch.look()
            #expect(try await fixture.openIncidents() == [], "it may be on its way to another replica")
            try await lease(fixture.pool, isHeld: wasHeld, ago: AccountWatch.patience + .seconds(1))
            for _ in 0..<2 { await watch.look() }
            #expect(try await fixture.openIncidents() == [IncidentKind.accountUnattended.rawValue])
            #expect(changes.withLock { $0 } == 1)
            try await lease(fixture.pool, isHeld: true, ago: .seconds(-60))
            for _ in 0..<2 { await watch.look() }
            #expect(try await fixture.openIncidents() == [])
            #expect(changes.withLock { $0 } == 2)
            #expect(try await fixture.count("SELECT count(*) AS count FROM incidents") == 1)
        }
    }

    @Test
    func `it is over as well once no agent has a session there`() async throws {
        try await withManagement { fixture in
            let hands = Hands()
            let watch = watch(fixture.pool, hands)
            hands.advance(by: .seconds(3600))
            try await fixture.addAgent("ana")
            await watch.look()
            #expect(
                try await fixture.openIncidents() == [IncidentKind.accountUnattended.rawValue],
                "it has no lease at all"
            )
            _ = try await fixture.pool.query("UPDATE instances SET agent = NULL")
            await watch.look()
            #expect(try await fixture.openIncidents() == [])
        }
    }

    @Test
    func `a time in which nobody could look says nothing`() async throws {
        // Its owner can take a table away.
        try await withMigratedDatabase { pool, _ in
            let hands = Hands()
            let watch = watch(pool, hands)
            _ = try await pool.pipeline([
                "INSERT INTO engine_accounts (name) VALUES ('main')",
                "INSERT INTO agents (agent_id) VALUES ('ana')",
                "INSERT INTO instances (account, instance_id, agent) SELECT account, 'i', agent FROM engine_accounts, agents",
            ])
            try await lease(pool, isHeld: true, ago: .seconds(3600))
            let open: PQStatement =
                "SELECT 1 AS one FROM incidents WHERE kind = 'account_unattended' AND closed_at IS NULL"
            hands.advance(by: AccountWatch.patience - .seconds(1))
            await watch.look()
            #expect(try await pool.query(open).isEmpty, "this replica has just begun to look")
            hands.advance(by: .seconds(1000))
            // As while the database is away.
            _ = try await pool.query("ALTER TABLE incidents RENAME TO incidents_away")
            await watch.look()
            _ = try await pool.query("ALTER TABLE incidents_away RENAME TO incidents")
            hands.advance(by: AccountWatch.patience - .seconds(1))
            await watch.look()
            #expect(try await pool.query(open).isEmpty)
            hands.advance(by: .seconds(2))
            await watch.look()
            #expect(try await pool.query(open).rowCount == 1)
        }
    }
}

/// A clock that is moved by hand.
private final class Hands: ProcessClock {
    private let now = Mutex<Int64>(0)

    func advance(by duration: Duration) {
        now.withLock { $0 += duration.microseconds }
    }

    func monotonic() -> Int64 { now.withLock { $0 } }

    func sleep(until instant: Int64) async throws {}
}
