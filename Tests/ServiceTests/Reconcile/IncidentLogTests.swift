import LibPQ
import Logging
import Synchronization
import TestSupport
import Testing

@testable import Service

@Suite("IncidentLog", .timeLimit(.minutes(2)))
struct IncidentLogTests {
    @Test(arguments: [true, false])
    func `a change is written once and surely, where the answer to its write is lost too`(isWritten: Bool) async throws
    {
        try await withProxiedDatabase { owner, proxy, proxied in
            let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            let pool = PQPool(PQConfiguration(connectionString: proxied, maxConnections: 1), logger: logger)
            let written = Mutex(0)
            let log = IncidentLog(logger: logger) { written.withLock { $0 += 1 } }
            _ = try await owner.query(Self.lease)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await log.run(pool: pool) }
                for (number, isOpen) in [(1, true), (2, false)] {
                    try await lose(isWritten: isWritten, owner, proxy) {
                        if isOpen {
                            log.raise(.engineOutage, account: 1, term: 1, detail: "nothing answers")
                        } else {
                            log.clear(.engineOutage, account: 1, term: 1)
                        }
                    }
                    try await until(owner) { written.withLock { $0 } == number }
                    let counts = try await owner.query(
                        "SELECT count(*) AS all, count(*) FILTER (WHERE closed_at IS NULL) AS open FROM incidents"
                    )
                    #expect(try counts[0].column("all", as: Int64.self) == 1)
                    #expect(try counts[0].column("open", as: Int64.self) == (isOpen ? 1 : 0))
                }
                group.cancelAll()
            }
            await pool.shutdown()
        }
    }

    /// What a change waits for while the lease changes hands: the incidents, or the lease itself.
    @Test(arguments: ["incidents", "engine_leases"], ["engine_outage", nil])
    func `what a former holder has to say is dropped, be it a beginning or an end`(
        table: String,
        open: String?
    ) async throws {
        try await withLog { owner, log, written in
            _ = try await owner.query(Self.lease)
            if open != nil {
                log.raise(.engineOutage, account: 1, term: 1, detail: "nothing answers")
                try await until(owner) { written() == 1 }
            }
            try await owner.withTransaction { transaction in
                if table == "incidents" {
                    try await transaction.query("LOCK TABLE incidents IN EXCLUSIVE MODE")
                } else {
                    try await transaction.query(Self.takeover)
                }
                if open == nil {
                    log.raise(.engineOutage, account: 1, term: 1, detail: "nothing answers")
                } else {
                    log.clear(.engineOutage, account: 1, term: 1)
                }
                try await until(owner) { try await owner.query(Self.waitingForAny).rowCount == 1 }
                if table == "incidents" { _ = try await owner.query(Self.takeover) }
            }
            // Once this is written whatever came before it was thought over.
            log.raise(.accountRefused, account: 1, term: 2, detail: "HTTP 401")
            try await until(owner) { written() == (open == nil ? 1 : 2) }
            #expect(try await kinds(owner) == (["account_refused", open].compactMap { $0 }))
            // Nor does who laid the lease down.
            try await owner.withTransaction { transaction in
                try await transaction.query("UPDATE engine_leases SET holder = NULL")
                log.clear(.accountRefused, account: 1, term: 2)
                try await until(owner) { try await owner.query(Self.waitingForAny).rowCount == 1 }
            }
            _ = try await owner.query(Self.takeover)
            log.raise(.sessionsUnknown, account: 1, term: 3, detail: "many")
            try await until(owner) { written() == (open == nil ? 2 : 3) }
            #expect(try await kinds(owner) == (["account_refused", open, "sessions_unknown"].compactMap { $0 }))
        }
    }

    @Test
    func `who takes over keeps what it said already, and believes nothing that it knew before`() async throws {
        try await withLog { owner, log, written in
            _ = try await owner.query(Self.lease)
            log.raise(.engineOutage, account: 1, term: 1, detail: "nothing answers")
            log.raise(.accountRefused, account: 1, term: 1, detail: "HTTP 401")
            try await until(owner) { written() == 2 }
            _ = try await owner.query(Self.takeover)
            _ = try await owner.query("UPDATE incidents SET closed_at = now() WHERE kind = 'engine_outage'")
            _ = try await owner.query("INSERT INTO incidents (account, kind) VALUES (1, 'sessions_unknown')")
            // Calls leave before what is open was read.
            try await owner.withTransaction { transaction in
                try await transaction.query("LOCK TABLE incidents IN EXCLUSIVE MODE")
                log.raise(.sessionsFailing, account: 1, term: 2, detail: "many")
                log.clear(.engineOutage, account: 1, term: 2)
                try await until(owner) { try await owner.query(Self.waitingForAny).rowCount == 1 }
                try await log.resume(1, term: 2, pool: owner)
            }
            let open = IncidentKind.allCases.filter { log.isOpen($0, account: 1, term: 2) }
            #expect(open == [.accountRefused, .sessionsFailing, .sessionsUnknown])
            for kind in IncidentKind.allCases { log.clear(kind, account: 1, term: 2) }
            try await until(owner) { written() == 6 }
            #expect(try await kinds(owner).isEmpty)
            log.raise(.engineOutage, account: 1, term: 2, detail: "nothing answers")
            try await until(owner) { written() == 7 }
            #expect(try await kinds(owner) == ["engine_outage"])
        }
    }

    @Test
    func `that nothing can be written is said once, and again after something was`() async throws {
        let lines = Mutex<[String]>([])
        let logger = Logger(label: "test") { label in
            StructuredLogHandler(
                label: label,
                level: .warning,
                redactor: Redactor(),
                sink: LogSink { line in lines.withLock { $0.append(String(decoding: line, as: UTF8.self)) } }
            )
        }
        try await withMigratedDatabase { owner, _ in
            _ = try await owner.query(Self.lease)
            let written = Mutex(0)
            let log = IncidentLog(logger: logger) { written.withLock { $0 += 1 } }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await log.run(pool: owner) }
                for (number, kind) in [(1, IncidentKind.engineOutage), (2, .accountRefused)] {
                    try await simple(owner, Self.failingWrites)
                    log.raise(kind, account: 1, term: 1, detail: "nothing answers")
                    // The third is tried once the second was logged, or was not.
                    try await until(owner) {
                        try await owner.query("SELECT last_value FROM tries WHERE last_value >= 3").rowCount == 1
                    }
                    try await simple(owner, "DROP TRIGGER fails ON incidents; DROP FUNCTION fail; DROP SEQUENCE tries")
                    try await until(owner) { written.withLock { $0 } == number }
                    let said = lines.withLock { lines in lines.filter { $0.contains("incident not written") } }
                    #expect(said.count == number, "\(said)")
                }
                group.cancelAll()
            }
        }
    }

    private func simple(_ owner: PQPool, _ statements: String) async throws {
        try await owner.withConnection { connection in try await connection.simpleQuery(statements) }
    }

    /// A sequence counts also where it is rolled back.
    private static let failingWrites = """
        CREATE SEQUENCE tries;
        CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM nextval('tries');
            RAISE EXCEPTION 'not now' USING ERRCODE = 'serialization_failure';
        END
        $$;
        CREATE TRIGGER fails BEFORE INSERT ON incidents FOR EACH STATEMENT EXECUTE FUNCTION fail()
        """

    /// Runs a log that writes to a database of its own; the last is how many changes it has written.
    private func withLog(_ body: @Sendable (PQPool, IncidentLog, () -> Int) async throws -> Void) async throws {
        try await withMigratedDatabase { owner, _ in
            let written = Mutex(0)
            let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            let log = IncidentLog(logger: logger) { written.withLock { $0 += 1 } }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await log.run(pool: owner) }
                try await body(owner, log) { written.withLock { $0 } }
                group.cancelAll()
            }
        }
    }

    private func kinds(_ owner: PQPool) async throws -> [String] {
        try await owner.rows("SELECT kind FROM incidents WHERE closed_at IS NULL ORDER BY kind") {
            row throws(PQError) in
            try row.column("kind", as: String.self)
        }
    }

    private static let lease: PQStatement =
        "INSERT INTO engine_leases (account, holder, term) VALUES (1, gen_random_uuid(), 1)"
    private static let takeover: PQStatement =
        "UPDATE engine_leases SET holder = gen_random_uuid(), term = term + 1 WHERE account = 1"

    private static let waitingForAny: PQStatement = """
        SELECT l.pid
        FROM pg_locks l
        JOIN pg_stat_activity a ON a.pid = l.pid
        WHERE NOT l.granted
          AND a.datname = current_database()
        """

    /// Cuts the connection while a write waits, and lets the write happen all the same, or never.
    private func lose(
        isWritten: Bool,
        _ owner: PQPool,
        _ proxy: TCPProxy,
        of change: () -> Void
    ) async throws {
        try await owner.withTransaction { transaction in
            try await transaction.query("LOCK TABLE incidents IN EXCLUSIVE MODE")
            change()
            try await until(owner) { try await owner.query(Self.waiting).rowCount == 1 }
            proxy.cut()
            guard !isWritten else { return }
            let waiting = try await owner.query(Self.waiting)[0].column("pid", as: Int32.self)
            try await owner.query("SELECT pg_terminate_backend(\(waiting), 5000)")
        }
    }

    private static let waiting: PQStatement = """
        SELECT l.pid
        FROM pg_locks l
        WHERE l.relation = 'incidents'::regclass
          AND NOT l.granted
        """

    private func until(_ owner: PQPool, _ isSo: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while try await !isSo() {
            try #require(ContinuousClock.now < deadline, "it did not come to pass")
            _ = try await owner.query("SELECT pg_sleep(0.02)")
        }
    }
}
