import Dispatch
import Glibc
import LibPQ
import Logging
import Synchronization

/// A real PostgreSQL server for tests: made in a fresh folder, gone when the test process ends, however it ends.
///
/// Fast rather than durable (`fsync` off), and without compiled plans (`jit` off), as all connections of the service are.
/// Reached through a socket in its folder without password, and on a loopback port with one. When the tests run as root the
/// server runs as `postgres`.
package final class ThrowawayCluster: Sendable {
    /// How a server is stopped; `fast` ends the sessions, `immediate` is a crash.
    package enum StopMode: String, Sendable {
        case smart, fast, immediate
    }

    /// The loopback port it listens on; stays the same across restarts.
    package let port: Int
    /// The superuser's password, asked for on the loopback port only.
    package let password: String
    private let keeper: ClusterKeeper
    private let administration: PQPool
    private let lastDatabase = Mutex(0)
    private let tablespace = Mutex("pg_default")

    /// Blocking work, one piece at a time.
    private static let queue = DispatchQueue(label: "throwaway-cluster")
    private static let sharedCluster = Mutex<ThrowawayCluster?>(nil)

    /// The cluster that all tests of this process share; started by the first call.
    ///
    /// Do not stop it.
    package static func shared() async throws -> ThrowawayCluster {
        try await blocking {
            if let cluster = sharedCluster.withLock({ $0 }) { return cluster }
            let cluster = try ThrowawayCluster()
            sharedCluster.withLock { $0 = cluster }
            return cluster
        }
    }

    /// Starts a cluster of the caller's own, to stop, restart and break; it ends with the last reference.
    package static func start() async throws -> ThrowawayCluster {
        try await blocking { try ThrowawayCluster() }
    }

    /// A streaming replica of this cluster, which follows from now on; it ends with the last reference.
    package func startStandby() async throws -> ThrowawayCluster {
        try await Self.blocking { try ThrowawayCluster(following: self) }
    }

    /// Makes this replica the one that takes writes.
    package func promote() async throws {
        try await order("promote")
    }

    /// Makes the folder, the database files and the settings, and starts the server.
    ///
    /// `primary`: whose copy it is to be.
    ///
    /// Blocks for about two seconds.
    private init(following primary: ThrowawayCluster? = nil) throws {
        keeper = try ClusterKeeper(binaries: try PostgresBinaries.folder())
        password = primary?.password ?? "pw-\(UInt64.random(in: 0 ... .max))"
        if let primary {
            try keeper.order("clone \(primary.keeper.folder) \(primary.port)")
        } else {
            try keeper.order("init \(password)")
        }
        let own = [("unix_socket_directories", "'\(keeper.folder)'"), ("wal_retrieve_retry_interval", "'100ms'")]
        for (name, value) in Self.settings + own {
            try keeper.order("set \(name) \(value)")
        }
        port = try Self.startOnFreePort(keeper)
        var configuration = PQConfiguration(
            connectionString: "host=\(keeper.folder) port=\(port) user=postgres dbname=postgres",
            maxConnections: 2
        )
        // A whole suite asks for its databases at once, on a machine that is busy compiling.
        configuration.acquireTimeout = .seconds(120)
        configuration.callTimeout = .seconds(120)
        configuration.idleTimeout = .seconds(5)
        administration = PQPool(configuration, logger: Logger(label: "cluster") { _ in SwiftLogNoOpLogHandler() })
    }

    /// The `postgres` database, as superuser, through the socket.
    package var connectionString: String { connectionString(database: "postgres") }

    /// A database, as superuser, through the socket.
    package func connectionString(database: String) -> String {
        "host=\(keeper.folder) port=\(port) user=postgres dbname=\(database)"
    }

    /// A database of this cluster, or of another once that is the one that takes writes.
    package func connectionString(database: String, or other: ThrowawayCluster?) -> String {
        guard let other else { return connectionString(database: database) }
        return "host=\(keeper.folder),\(other.keeper.folder) port=\(port),\(other.port) user=postgres"
            + " dbname=\(database) target_session_attrs=read-write connect_timeout=2"
    }

    /// The `postgres` database of this cluster, or of another where this one does not fit.
    package func connectionString(or other: ThrowawayCluster) -> String {
        "host=\(keeper.folder),\(other.keeper.folder) port=\(port),\(other.port) user=postgres dbname=postgres"
    }

    /// A database, as superuser, through TCP and with the password.
    ///
    /// - Parameters:
    ///   - database: its name.
    ///   - port: another port, of a proxy for instance.
    /// - Returns: key=value pairs.
    package func tcpConnectionString(database: String = "postgres", port: Int? = nil) -> String {
        "host=127.0.0.1 port=\(port ?? self.port) user=postgres dbname=\(database) password=\(password)"
    }

    /// Lets the databases that are made from now on lie elsewhere.
    ///
    /// `folder`: an empty one that belongs to the user the server runs as.
    package func useTablespace(at folder: String) async throws {
        try await administration.withConnection { connection in
            try await connection.simpleQuery("CREATE TABLESPACE elsewhere LOCATION '\(folder)'")
        }
        tablespace.withLock { $0 = "elsewhere" }
    }

    /// Lets the write-ahead log lie elsewhere, as `initdb --waldir` does, and keeps it short.
    ///
    /// `folder`: an empty one that belongs to the user the server runs as.
    package func moveLog(to folder: String) async throws {
        try await order("set min_wal_size 32MB")
        try await order("set max_wal_size 32MB")
        try await stop()
        try await order("move-log \(folder)")
        try await startAgain()
    }

    /// Lets the server keep every file of its log from now on, as a replica does that is away; or no longer.
    package func keepLog(_ isKept: Bool) async throws {
        if isKept {
            try await administration.query("SELECT pg_create_physical_replication_slot('kept', true)")
        } else {
            try await administration.query("SELECT pg_drop_replication_slot('kept')")
        }
    }

    /// Lets the server begin the next file of its log; nothing happens when it does not answer.
    package func switchLog() async {
        _ = try? await administration.query("SELECT pg_switch_wal()", timeout: .seconds(5))
    }

    /// What the server wrote into its own log so far: nothing less than FATAL.
    package func log() throws -> String {
        try keeper.log()
    }

    /// Starts the server unless it runs; returns whether it answers.
    package func revive() async -> Bool {
        do {
            try await order("revive")
            try await administration.query("SELECT 1", timeout: .seconds(5))
            return true
        } catch {
            // It is on its way down or up: the next time is soon enough.
            return false
        }
    }

    /// Makes a database, empty or a copy of `template`; returns its connection string.
    ///
    /// Never reused, and gone with the cluster. Nobody may be connected to the template meanwhile
    /// (``forbidConnections(to:)``); several copies may be made at a time.
    package func makeDatabase(from template: String = "template1") async throws -> String {
        connectionString(database: try await makeDatabaseName(from: template))
    }

    /// Makes a database as ``makeDatabase(from:)`` does; returns its name.
    package func makeDatabaseName(from template: String = "template1") async throws -> String {
        let number = lastDatabase.withLock { last in
            last += 1
            return last
        }
        let name = "test_\(number)"
        let tablespace = tablespace.withLock { $0 }
        try await administration.execute(
            """
            CREATE DATABASE \(identifier: name)
            TEMPLATE \(identifier: template)
            TABLESPACE \(identifier: tablespace)
            """
        )
        return name
    }

    /// Lets nobody connect to a database any more; copies of it can be made all the same.
    package func forbidConnections(to database: String) async throws {
        try await administration.execute("ALTER DATABASE \(identifier: database) ALLOW_CONNECTIONS false")
    }

    /// Ends every session of a database; returns how many there were.
    @discardableResult
    package func terminateBackends(_ database: String) async throws -> Int {
        try await administration.query(
            """
            SELECT pg_terminate_backend(pid, 5000)
            FROM pg_stat_activity
            WHERE datname = \(database) AND pid <> pg_backend_pid()
            """
        ).rowCount
    }

    /// Sessions of a database at this moment.
    package func backendCount(_ database: String) async throws -> Int {
        let counts = try await administration.rows(
            "SELECT count(*) AS count FROM pg_stat_activity WHERE datname = \(database)"
        ) { row throws(PQError) in try row.column("count", as: Int.self) }
        return counts.first ?? 0
    }

    /// Sessions of a database that go by a name.
    package func backendCount(_ database: String, application: String) async throws -> Int {
        let counts = try await administration.rows(
            """
            SELECT count(*) AS count
            FROM pg_stat_activity
            WHERE datname = \(database) AND application_name = \(application)
            """
        ) { row throws(PQError) in try row.column("count", as: Int.self) }
        return counts.first ?? 0
    }

    /// Stops the server.
    package func stop(mode: StopMode = .fast) async throws {
        try await order("stop \(mode.rawValue)")
    }

    /// Starts the server again after ``stop(mode:)``.
    package func startAgain() async throws {
        try await order("start")
    }

    /// Stops and starts the server.
    package func restart(mode: StopMode = .fast) async throws {
        try await stop(mode: mode)
        try await startAgain()
    }

    /// Changes a server setting; one that needs a restart takes effect with the next.
    ///
    /// - Parameters:
    ///   - name: the setting.
    ///   - value: as in `postgresql.conf`, quoted where that needs quotes.
    /// - Throws: when the server is not running.
    package func set(_ name: String, to value: String) async throws {
        try await order("set \(name) \(value)")
        try await order("reload")
    }

    private func order(_ order: String) async throws {
        try await Self.blocking { [keeper] in try keeper.order(order) }
    }

    private static let settings = [
        ("fsync", "off"), ("full_page_writes", "off"), ("jit", "off"), ("max_connections", "300"),
        ("shared_buffers", "32MB"),
        ("listen_addresses", "'127.0.0.1'"), ("max_wal_size", "256MB"), ("autovacuum", "off"),
        ("max_prepared_transactions", "0"), ("log_min_messages", "fatal"),
    ]

    /// A port that was free a moment ago may be taken by now, so more than one is tried.
    private static func startOnFreePort(_ keeper: ClusterKeeper) throws -> Int {
        var failure = ClusterError("no free port")
        for _ in 0..<5 {
            let port = try LoopbackPort.free()
            try keeper.order("set port \(port)")
            do {
                try keeper.order("start")
                return port
            } catch let error as ClusterError {
                failure = error
            }
        }
        throw failure
    }

    /// Runs blocking work outside the cooperative pool.
    private static func blocking<Value: Sendable>(
        _ work: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result { try work() }) }
        }
    }
}
