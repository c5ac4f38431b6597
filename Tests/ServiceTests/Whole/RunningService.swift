import AsyncHTTPClient
import ClockSources
import Domain
import EngineSimulator
import Engines
import LibPQ
import Logging
import Service
import ServiceLifecycle
import Synchronization

/// How a test's service and engine are set up.
struct ServiceSetup: Sendable {
    /// The rules; short waits where only patience would be tested.
    var policy = ReconcilePolicy()
    /// Looks by themselves are rare, so that a test's own sweeps are the only ones.
    var sweep = SweepPolicy(onShift: .seconds(3600), offShift: .seconds(3600))

    /// Nothing is looked at but for a reason, also while the engine has long said nothing.
    static let noLooks = SweepPolicy(onShift: .seconds(3600), offShift: .seconds(3600), quiet: .seconds(3600))
    var engine = SimulatorConfiguration()
    var engineKind = EngineKind.wawp
    var callTimeout: Duration = .seconds(5)
    var callsPerSecond = 500
    /// Calls under way at a time.
    var concurrency = 32
    var sources: [ConfiguredSource] = []
    /// What time the service takes it to be.
    var clock = DatabaseClock()
    var webhookSecret: String?
    var clockSkew: Duration = .seconds(2)
    var bodyLimits = BodyLimits()
    /// Requests that may wait for convergence at a time; `nil` for as many as usual.
    var waitingLimit: Int?
    var idleInTransactionTimeout = Pools.idleInTransactionTimeout
    /// Where its database is; `nil` for a fresh one, which has the schema already.
    var databaseURL: String?

    /// How many simulated seconds pass in a real one: boots and stops take a moment.
    static let speed: Int64 = 20

    init() {
        policy.confirmAfter = .zero
        policy.firstRetry = .milliseconds(200)
        policy.longestRetry = .milliseconds(400)
        policy.firstBootLook = .milliseconds(100)
        policy.restartSpacing = .milliseconds(100)
        engine.speed = Double(Self.speed)
        // On the engine's own clock: it refuses what comes sooner than 3 real seconds after a stop.
        engine.behaviour.stopStartGapMs = 3000 * Self.speed
    }
}

/// The whole service in this process, with a real database and a simulated engine, reached as senders and browsers do.
struct RunningService: Sendable {
    static let adminKey = "the-key-of-an-admin-0123456789-abcdefghij"

    let exchange: Exchange
    let engine: EngineWorld
    /// The database as its owner sees it, past the service.
    let owner: PQPool
    let databaseURL: String
    let policy: ReconcilePolicy
    fileprivate let stopping: Latch
    fileprivate let stopped: Latch

    var port: Int { exchange.port }

    /// Tells the service to stop, as a signal does.
    func beginStop() {
        stopping.open()
    }

    /// Waits until the service has ended.
    func stop() async {
        stopping.open()
        await stopped.wait()
    }
}

/// Runs the service for the length of the body, then stops it as a signal does.
func withRunningService(
    _ change: @Sendable (inout ServiceSetup) throws -> Void = { _ in },
    _ body: @escaping @Sendable (RunningService) async throws -> Void
) async throws {
    var changed = ServiceSetup()
    try change(&changed)
    let setup = changed
    try await Berths.services.hold {
        try await Exchange.withClient { client in
            try await withEngine(setup.engine, client: client) { engine in
                try await serve(setup, engine: engine, client: client, body)
            }
        }
    }
}

/// The same with an engine that is there already, for a service that follows another.
func withRunningService(
    on engine: EngineWorld,
    _ change: @Sendable (inout ServiceSetup) throws -> Void,
    _ body: @escaping @Sendable (RunningService) async throws -> Void
) async throws {
    var setup = ServiceSetup()
    try change(&setup)
    try await serve(setup, engine: engine, client: engine.exchange.client, body)
}

private func serve(
    _ setup: ServiceSetup,
    engine: EngineWorld,
    client: HTTPClient,
    _ body: @escaping @Sendable (RunningService) async throws -> Void
) async throws {
    let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
    let databaseURL: String
    if let given = setup.databaseURL {
        databaseURL = given
    } else {
        databaseURL = try await MigratedDatabase.make()
    }
    let account = EngineAccount(
        baseURL: "http://127.0.0.1:\(engine.port)",
        token: EngineWorld.token,
        placement: setup.engineKind.tokenPlacements[0],
        timeout: setup.callTimeout
    )
    var configuration = RollcallConfiguration(
        databaseURL: databaseURL,
        databaseConnections: 6,
        port: 0,
        bootstrapAdminKey: RunningService.adminKey,
        accounts: [
            AccountSettings(
                name: "main",
                engine: try setup.engineKind.makeEngine(account, client: client),
                callsPerSecond: setup.callsPerSecond,
                concurrency: setup.concurrency,
                timeout: setup.callTimeout,
                webhookSignature: setup.engineKind.webhookSignature
            )
        ],
        webhookSecrets: setup.webhookSecret.map { ["main": $0] } ?? [:],
        sources: setup.sources,
        policy: setup.policy,
        sweep: setup.sweep,
        clockSkew: setup.clockSkew
    )
    configuration.bodyLimits = setup.bodyLimits
    if let limit = setup.waitingLimit { configuration.waitingLimit = limit }
    configuration.idleInTransactionTimeout = setup.idleInTransactionTimeout
    configuration.clock = setup.clock
    let owner = PQPool(PQConfiguration(connectionString: databaseURL, maxConnections: 2), logger: logger)
    let (ports, port) = AsyncStream<Int>.makeStream()
    let group = ServiceGroup(
        services: [RollcallService(configuration, logger: logger) { port.yield($0) }],
        logger: logger
    )
    let (stopping, stopped) = (Latch(), Latch())
    let outcome = await withTaskGroup(of: Result<Void, any Error>.self) { tasks in
        tasks.addTask {
            defer {
                port.finish()
                stopped.open()
                stopping.open()
            }
            do {
                return .success(try await group.run())
            } catch {
                return .failure(error)
            }
        }
        tasks.addTask {
            await stopping.wait()
            await group.triggerGracefulShutdown()
            return .success(())
        }
        var outcome = Result<Void, any Error>.success(())
        for await number in ports {
            let service = RunningService(
                exchange: Exchange(client: client, port: number),
                engine: engine,
                owner: owner,
                databaseURL: databaseURL,
                policy: setup.policy,
                stopping: stopping,
                stopped: stopped
            )
            do {
                try await body(service)
            } catch {
                outcome = .failure(error)
            }
            break
        }
        stopping.open()
        for await ended in tasks {
            if case .success = outcome { outcome = ended }
        }
        return outcome
    }
    await owner.shutdown()
    try outcome.get()
}
