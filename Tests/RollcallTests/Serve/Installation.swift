import LibPQ
import Logging
import Synchronization
import TestSupport
import Testing

/// One installation for tests: a database, a simulated engine, and the settings that lead to both.
///
/// All processes are children of the tests: the engine and, as often as a test starts it, the service.
final class Installation: Sendable {
    static let adminKey = "the-key-of-an-admin-0123456789-abcdefghij"
    /// How many simulated seconds pass in a real one: boots and stops take a moment.
    static let speed = 20

    let databaseURL: String
    let database: String
    /// The database as its owner sees it, past the service.
    let owner: PQPool
    let engine: SimulatedEngine
    private let cluster: ThrowawayCluster
    private let processes: Mutex<[RollcallProcess]>

    /// `cluster`: where the database is made; `nil` for the one that all tests share.
    ///
    /// `standby`: who takes its place. `tokens`: those of the engine; one for each replica whose calls are to be told apart.
    fileprivate init(cluster: ThrowawayCluster?, standby: ThrowawayCluster?, tokens: [String]) async throws {
        let shared: ThrowawayCluster
        if let cluster { shared = cluster } else { shared = try await ThrowawayCluster.shared() }
        self.cluster = shared
        database = try await shared.makeDatabaseName()
        databaseURL = shared.connectionString(database: database, or: standby)
        var configuration = PQConfiguration(connectionString: databaseURL, maxConnections: 3)
        configuration.acquireTimeout = .seconds(60)
        owner = PQPool(configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let simulator = try RollcallProcess(
            ["simulate-engine", "--port", "0", "--speed", "\(Self.speed)", "--boot", "2000-2000", "--auto-create"]
                + tokens.flatMap { ["--token", $0] }
        )
        processes = Mutex([simulator])
        do {
            let line = try await simulator.line(containing: "engine simulator at")
            engine = SimulatedEngine(http: PlainHTTP(port: try Self.port(in: line)))
            // On the engine's own clock: it refuses what comes sooner than 3 real seconds after a stop.
            try await engine.admin("PUT", "behaviour", #"{"stop_start_gap_ms":\#(3000 * Self.speed)}"#)
        } catch {
            simulator.kill()
            throw error
        }
    }

    /// What `serve` needs to know besides its database, of an engine that is not there.
    static let bareSettings = [
        "ROLLCALL_HTTP_PORT": "0",
        "ROLLCALL_METRICS_PORT": "0",
        "ROLLCALL_BOOTSTRAP_ADMIN_KEY": adminKey,
        "ROLLCALL_ENGINES": "main",
        "ROLLCALL_ENGINE_MAIN_KIND": "wawp",
        "ROLLCALL_ENGINE_MAIN_URL": "http://127.0.0.1:1",
        "ROLLCALL_ENGINE_MAIN_TOKEN": "tok_valid_0001",
    ]

    /// What `serve` needs to know, and nothing that makes it slow.
    var settings: [String: String] {
        [
            "ROLLCALL_DATABASE_URL": databaseURL,
            "ROLLCALL_DATABASE_CONNECTIONS": "6",
            "ROLLCALL_HTTP_PORT": "0",
            "ROLLCALL_METRICS_PORT": "0",
            "ROLLCALL_BOOTSTRAP_ADMIN_KEY": Self.adminKey,
            "ROLLCALL_ENGINES": "main",
            "ROLLCALL_ENGINE_MAIN_KIND": "wawp",
            "ROLLCALL_ENGINE_MAIN_URL": "http://127.0.0.1:\(engine.http.port)",
            "ROLLCALL_ENGINE_MAIN_TOKEN": "tok_valid_0001",
            "ROLLCALL_ENGINE_MAIN_CALLS_PER_SECOND": "500",
            // After a crash, reads only until a call of the one that crashed can no longer be under way.
            "ROLLCALL_ENGINE_MAIN_TIMEOUT": "3s",
            "ROLLCALL_CONFIRM_AFTER": "0s",
        ]
    }

    /// The settings with changes; an engine `home` that they name is the same simulator.
    private func settings(with changes: [String: String]) -> [String: String] {
        var settings = settings.merging(changes) { _, new in new }
        if changes["ROLLCALL_ENGINE_HOME_KIND"] != nil {
            settings["ROLLCALL_ENGINE_HOME_URL"] = "http://127.0.0.1:\(engine.http.port)"
        }
        return settings
    }

    /// Starts the service and waits until it is ready.
    func serve(_ changes: [String: String] = [:]) async throws -> Served {
        let process = try RollcallProcess(["serve"], settings: settings(with: changes))
        processes.withLock { $0.append(process) }
        let served = try await served(process)
        try await served.until("it is ready") { try await served.http.send("GET", "/readyz").status == 200 }
        return served
    }

    /// The password that ``databaseURL(throughPort:)`` has in it.
    var databasePassword: String { cluster.password }

    /// How the database is reached through a proxy.
    func databaseURL(throughPort port: Int) -> String {
        cluster.tcpConnectionString(database: database, port: port)
    }

    /// Starts the service, or another build of it, and waits for nothing.
    func start(_ changes: [String: String] = [:], program: String? = nil) throws -> RollcallProcess {
        let process = try RollcallProcess(["serve"], settings: settings(with: changes), program: program)
        processes.withLock { $0.append(process) }
        return process
    }

    /// A service that was started, once it listens.
    func served(_ process: RollcallProcess) async throws -> Served {
        let port = try Self.port(in: try await process.line(containing: #""message":"listening""#))
        return Served(process: process, http: PlainHTTP(port: port), installation: self)
    }

    /// Runs a command with the service's settings.
    func run(
        _ command: String...,
        settings changes: [String: String] = [:]
    ) async throws -> (code: Int32, output: String) {
        let process = try RollcallProcess(command, settings: settings(with: changes))
        processes.withLock { $0.append(process) }
        guard case .exit(let code) = try await process.ending() else {
            throw RollcallProcess.Failure(description: "\(command) was killed:\n\(process.output)")
        }
        return (code, process.output)
    }

    /// One number from the database.
    func count(_ statement: PQStatement) async throws -> Int64 {
        try await owner.query(statement)[0].column("count", as: Int64.self)
    }

    /// How many events there are in the ledger.
    func ledgerCount() async throws -> Int64 {
        try await count("SELECT count(*) AS count FROM clock_events")
    }

    /// Makes the reconciler's first step fail, which `serve` takes beside the first requests.
    func failRegistration() async throws {
        #expect(try await run("migrate").code == 0)
        try await owner.withConnection { connection in
            try await connection.simpleQuery(
                """
                CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    RAISE EXCEPTION 'not now';
                END
                $$;
                CREATE TRIGGER fails BEFORE INSERT ON engine_leases FOR EACH STATEMENT EXECUTE FUNCTION fail()
                """
            )
        }
    }

    /// Ends all processes.
    fileprivate func end() async throws {
        let all = processes.withLock { $0 }
        for process in all { process.kill() }
        for process in all { try await process.ending() }
        await owner.shutdown()
    }

    /// The port at the end of an address somewhere in a line.
    private static func port(in line: String) throws -> Int {
        let address = try #require(line.split(separator: "http://").last)
        let digits = address.drop { $0 != ":" }.dropFirst().prefix { $0.isNumber }
        return try #require(Int(digits))
    }
}

/// Makes an installation for the length of the body; nothing of it stays.
func withInstallation(
    cluster: ThrowawayCluster? = nil,
    standby: ThrowawayCluster? = nil,
    tokens: [String] = [],
    _ body: (Installation) async throws -> Void
) async throws {
    let installation = try await Installation(cluster: cluster, standby: standby, tokens: tokens)
    do {
        try await body(installation)
    } catch {
        try await installation.end()
        throw error
    }
    try await installation.end()
}
