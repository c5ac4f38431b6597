import FoundationEssentials
import LibPQ
import Logging
import Synchronization
import Testing

@testable import Service

/// A holder that is late with its heartbeat, and a replica that would take its lease at that very moment.
@Suite("Lease race", .timeLimit(.minutes(3)))
struct LeaseRaceTests {
    @Test
    func `who beats while another takes the lease waits for it, and holds it no more`() async throws {
        try await race(stopping: .take) { race in
            let taking = Task { try await race.scene.beat(race.next, race.account) }
            try await race.untilStopped()
            let late = race.waiting { try await race.scene.beat(race.holder, race.account) }
            try await race.untilWaiting()
            return (taking, late)
        } outcome: { race, taken, late in
            #expect(taken.terms == [race.account: race.term + 1])
            #expect(late.terms.isEmpty)
        }
    }

    @Test
    func `who would take a lease while its holder beats waits for that beat, and lets it be`() async throws {
        try await race(stopping: .beat) { race in
            let late = Task { try await race.scene.beat(race.holder, race.account) }
            try await race.untilStopped()
            let taking = race.waiting { try await race.scene.beat(race.next, race.account) }
            try await race.untilWaiting()
            return (taking, late)
        } outcome: { race, taken, late in
            #expect(taken.terms.isEmpty)
            #expect(late.terms == [race.account: race.term])
        }
    }

    @Test
    func `a lease's row that somebody keeps locked costs nobody what is held`() async throws {
        try await withMigratedDatabase { owner, url in
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let pool = PQPool(PQConfiguration(connectionString: url, maxConnections: 4), logger: logger)
            let listening = PQConfiguration(connectionString: url, maxConnections: 1)
            let store = PostgresReconcilerStore(pool: pool, listening: listening, logger: logger)
            let accounts = try await store.register(["main", "spare"])
            let (main, spare) = (try #require(accounts["main"]), try #require(accounts["spare"]))
            let holder = UUID()
            func beat(_ accounts: [Int32]) async throws -> HeartbeatAnswer {
                try await store.beat(Heartbeat(replica: holder, release: "test", accounts: accounts, lastWake: 0))
            }
            _ = try await beat([main])
            #expect(try await beat([main]).terms == [main: 1])
            try await owner.withTransaction { transaction in
                _ = try await transaction.run(["SELECT FROM engine_leases WHERE account = \(spare) FOR UPDATE"])
                let answer = try await beat([main, spare])
                #expect(answer.terms == [main: 1] && answer.unmoved != nil)
            }
            let answer = try await beat([main, spare])
            #expect(answer.terms == [main: 1, spare: 1] && answer.unmoved == nil)
            await pool.shutdown()
        }
    }

    private typealias Beating = Task<HeartbeatAnswer, any Error>

    /// Which of the two stands still within its transaction, until the test lets it go on.
    private enum Stop {
        case take, beat
    }

    /// Runs a race; one in which the database's short time limits struck, as on a busy machine, is run again.
    private func race(
        stopping stop: Stop,
        _ begin: @Sendable (Race) async throws -> (taking: Beating, late: Beating),
        outcome: @Sendable (Race, _ taken: HeartbeatAnswer, _ late: HeartbeatAnswer) -> Void
    ) async throws {
        try await withMigratedDatabase { owner, url in
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let pool = PQPool(PQConfiguration(connectionString: url, maxConnections: 4), logger: logger)
            let listening = PQConfiguration(connectionString: url, maxConnections: 1)
            let store = PostgresReconcilerStore(pool: pool, listening: listening, logger: logger)
            let scene = PostgresScene(pool: pool, connectionString: url, store: store)
            for attempt in 1...5 {
                let (holder, account, term) = try await scene.lease()
                let race = Race(scene: scene, owner: owner, holder: holder, account: account, term: term)
                _ = try await scene.beat(race.next, account)
                try await scene.expire(holder)
                try await owner.withConnection { try await $0.simpleQuery(Self.trigger(stop, race)) }
                let (taking, late) = try await owner.withTransaction { transaction in
                    _ = try await transaction.run(["SELECT pg_advisory_xact_lock(4711)"])
                    return try await begin(race)
                }
                do {
                    outcome(race, try await taking.value, try await late.value)
                    break
                } catch let error as PQError where error.isTransient && attempt < 5 {
                    _ = try await owner.query("UPDATE engine_leases SET holder = NULL")
                }
            }
            await pool.shutdown()
        }
    }

    private static func trigger(_ stop: Stop, _ race: Race) -> String {
        let (table, isStopped) =
            switch stop {
            case .take: ("engine_leases", "NEW.holder = '\(race.next)'")
            case .beat: ("replicas", "NEW.replica = '\(race.holder)'")
            }
        return """
            CREATE OR REPLACE FUNCTION stand_still() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                PERFORM pg_advisory_xact_lock_shared(4711);
                RETURN NEW;
            END
            $$;
            DROP TRIGGER IF EXISTS stand_still ON \(table);
            CREATE TRIGGER stand_still BEFORE UPDATE ON \(table)
                FOR EACH ROW WHEN (\(isStopped)) EXECUTE FUNCTION stand_still()
            """
    }
}

/// Two replicas, one account.
private final class Race: Sendable {
    let scene: PostgresScene
    let owner: PQPool
    let holder: UUID
    let next = UUID()
    let account: Int32
    let term: Int64
    private let isAnswered = Mutex(false)

    init(scene: PostgresScene, owner: PQPool, holder: UUID, account: Int32, term: Int64) {
        self.scene = scene
        self.owner = owner
        self.holder = holder
        self.account = account
        self.term = term
    }

    /// Begins what should wait for the other.
    func waiting(
        _ body: @escaping @Sendable () async throws -> HeartbeatAnswer
    ) -> Task<HeartbeatAnswer, any Error> {
        Task {
            defer { isAnswered.withLock { $0 = true } }
            return try await body()
        }
    }

    /// Waits until the one that is to stand still does.
    func untilStopped() async throws {
        try await until(
            """
            SELECT count(*) AS count
            FROM pg_locks l
            WHERE NOT l.granted
              AND l.locktype = 'advisory'
              AND l.objid = 4711
              AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
            """
        )
    }

    /// Waits until the other waits for a row, or does not and is done.
    func untilWaiting() async throws {
        try await until(
            """
            SELECT count(*) AS count
            FROM pg_locks l
            JOIN pg_stat_activity a ON a.pid = l.pid
            WHERE NOT l.granted
              AND l.locktype IN ('transactionid', 'tuple')
              AND a.datname = current_database()
            """
        )
    }

    private func until(_ isSo: PQStatement) async throws {
        let deadline = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < deadline, !isAnswered.withLock({ $0 }) {
            let counts = try await owner.query(isSo)
            if try counts[0].column("count", as: Int64.self) > 0 { return }
        }
    }
}
