import Domain
import FoundationEssentials
import LibPQ
import Logging
import Synchronization
import Testing

@testable import Service

/// A store under test, with the hands that set its scene and read what it holds.
protocol StoreScene: Sendable {
    var store: any ReconcilerStore { get }
    /// The store of another replica on the same database.
    var another: any ReconcilerStore { get }
    /// Lets a moment pass.
    func pause() async throws
    /// An agent with an instance of the account, in line at once.
    func addAgent(_ id: String, account: Int32) async throws -> (agent: Int64, instance: Int64)
    /// Appends a batch of clock events under the leases a replica believes it holds.
    func append(_ events: [IncomingEvent], leases: LeaseBook) async throws -> AppendTransaction.Result
    /// Makes somebody an agent, as an administrator does: with an instance of the account, and the events under the name.
    func mapAgent(_ id: String, account: Int32) async throws -> (agent: Int64, instance: Int64)
    /// Takes an order of a person; whom it wakes, and nobody where it is refused.
    func take(_ order: PersonsOrder, about id: String) async throws -> [Wake]
    /// Lets a hold run out, with nothing derived from that.
    func runOutHold(of agent: Int64) async throws
    /// What is stored of an agent and of the session; `nil` for one who is gone.
    func known(of agent: Int64) async throws -> KnownAgent?
    /// What is read of a session that a webhook is about; `nil` where nothing is stored.
    func hinted(_ instanceID: String) async throws -> HintedSession?
    func enqueue(_ wake: Wake, at instant: Timestamp) async throws
    /// Lets a replica's heartbeat run out.
    func expire(_ replica: UUID) async throws
    /// Says that somebody asked to remove an agent.
    func removeAgent(_ agent: Int64) async throws
    func commands(of instance: Int64) async throws -> [StoredCommand]
    func look(of instance: Int64) async throws -> Timestamp?
    func now() async throws -> Timestamp
}

/// A row of `commands`, as far as the suite asks.
struct StoredCommand: Equatable, Sendable {
    var action: Int16
    var generation: Int64?
    var term: Int64
    var verdict: String?
}

/// What a person orders about one agent.
enum PersonsOrder: Sendable {
    case hold(Hold)
    case release
    /// A clean reboot.
    case reboot
}

/// What a store knows of an agent, and of the session.
struct KnownAgent: Sendable {
    var facts: AgentFacts
    var subject: Subject?
}

/// The stores that have to be alike.
enum StoreKind: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case postgres, memory

    var testDescription: String { rawValue }

    func withScene(_ body: @escaping @Sendable (any StoreScene) async throws -> Void) async throws {
        switch self {
        case .postgres: try await PostgresScene.with(body)
        case .memory: try await MemoryScene.with(body)
        }
    }
}

struct PostgresScene: StoreScene {
    let pool: PQPool
    let connectionString: String
    let store: any ReconcilerStore

    var another: any ReconcilerStore { Self.store(pool, connectionString) }

    static func with(_ body: @escaping @Sendable (any StoreScene) async throws -> Void) async throws {
        try await withMigratedDatabase { pool, connectionString in
            let store = store(pool, connectionString)
            try await body(PostgresScene(pool: pool, connectionString: connectionString, store: store))
        }
    }

    private static func store(_ pool: PQPool, _ connectionString: String) -> PostgresReconcilerStore {
        PostgresReconcilerStore(
            pool: pool,
            listening: PQConfiguration(connectionString: connectionString, maxConnections: 1),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    func pause() async throws { try await Task.sleep(for: .milliseconds(20)) }

    func addAgent(_ id: String, account: Int32) async throws -> (agent: Int64, instance: Int64) {
        let rows = try await pool.rows(
            """
            WITH a AS (INSERT INTO agents (agent_id) VALUES (\(id)) RETURNING agent),
            s AS (INSERT INTO agent_states (agent) SELECT agent FROM a),
            x AS (
                INSERT INTO instances (account, instance_id, agent) SELECT \(account), \("i-" + id), agent FROM a
                RETURNING instance
            ),
            o AS (INSERT INTO observed_states (instance) SELECT instance FROM x)
            SELECT a.agent, x.instance FROM a CROSS JOIN x
            """
        ) { row throws(PQError) in
            (try row.column("agent", as: Int64.self), try row.column("instance", as: Int64.self))
        }
        return try #require(rows.first)
    }

    func append(_ events: [IncomingEvent], leases: LeaseBook) async throws -> AppendTransaction.Result {
        let clock = DatabaseClock()
        try await clock.measure(pool)
        return try await AppendTransaction(
            pool: pool,
            leases: leases,
            policy: ReconcilePolicy(),
            clock: clock,
            timeout: .seconds(20)
        ).run(events)
    }

    func enqueue(_ wake: Wake, at instant: Timestamp) async throws {
        _ = try await pool.execute(AgentStates.enqueue([wake], at: instant))
    }

    func expire(_ replica: UUID) async throws {
        _ = try await pool.execute(
            "UPDATE replicas SET expires_at = now() - interval '1 second' WHERE replica = \(replica)"
        )
    }

    func removeAgent(_ agent: Int64) async throws {
        _ = try await pool.execute("UPDATE agents SET removal_asked_at = now() WHERE agent = \(agent)")
    }

    func commands(of instance: Int64) async throws -> [StoredCommand] {
        try await pool.rows(
            "SELECT action, generation, term, verdict FROM commands WHERE instance = \(instance) ORDER BY command_id"
        ) { row throws(PQError) in
            StoredCommand(
                action: try row.column("action", as: Int16.self),
                generation: try row.column("generation", as: Int64?.self),
                term: try row.column("term", as: Int64.self),
                verdict: try row.column("verdict", as: String?.self)
            )
        }
    }

    func look(of instance: Int64) async throws -> Timestamp? {
        try await pool.rows("SELECT looked_at FROM looks WHERE instance = \(instance)") { row throws(PQError) in
            try row.column("looked_at", as: Timestamp.self)
        }.first
    }

    func now() async throws -> Timestamp {
        let times = try await pool.rows("SELECT clock_timestamp() AS now") { row throws(PQError) in
            try row.column("now", as: Timestamp.self)
        }
        return try #require(times.first)
    }
}

struct MemoryScene: StoreScene {
    let database: SimulatedDatabase
    let memory: MemoryStore

    var store: any ReconcilerStore { memory }
    var another: any ReconcilerStore {
        MemoryStore(database: database, process: memory.process + 1, replica: UUID())
    }

    func pause() async throws { try await database.scheduler.sleep(until: database.scheduler.now + 20_000) }

    /// Runs the body in simulated time, on this thread.
    static func with(_ body: @escaping @Sendable (any StoreScene) async throws -> Void) async throws {
        let scheduler = Scheduler(seed: 1)
        let rules = Witness.Rules(policy: ReconcilePolicy(), sweep: SweepPolicy(), callsPerSecond: 10, width: 2)
        let witness = Witness(rules: rules, keepsHistory: false, scheduler: scheduler)
        let database = SimulatedDatabase(seed: 1, scheduler: scheduler, witness: witness, planted: nil)
        let executor = scheduler.addProcess()
        let store = MemoryStore(database: database, process: executor.number, replica: UUID())
        let task = Task(executorPreference: executor) {
            try await body(MemoryScene(database: database, memory: store))
        }
        scheduler.run(until: .max / 8) { false }
        try await task.value
    }

    func addAgent(_ id: String, account: Int32) async throws -> (agent: Int64, instance: Int64) {
        database.withTables { tables, now in
            let agent = tables.addAgent(id, now: now)
            return (agent, tables.addInstance("i-\(id)", account: account, agent: agent))
        }
    }

    func append(_ events: [IncomingEvent], leases: LeaseBook) async throws -> AppendTransaction.Result {
        let clock = DatabaseClock(process: StillClock())
        clock.measured(database.now(), between: 0, and: 0)
        return try await memory.append(
            events,
            leases: leases,
            policy: ReconcilePolicy(),
            decider: decide,
            clock: clock
        )
    }

    func enqueue(_ wake: Wake, at instant: Timestamp) async throws {
        database.withTables { tables, _ in tables.enqueue([wake], at: instant) }
    }

    func expire(_ replica: UUID) async throws {
        database.withTables { tables, now in tables.replicas[replica]?.expiresAt = now - .seconds(1) }
    }

    func removeAgent(_ agent: Int64) async throws {
        database.withTables { tables, _ in tables.agents[agent]?.facts.isLeaving = true }
    }

    func commands(of instance: Int64) async throws -> [StoredCommand] {
        database.withTables { tables, _ in
            tables.commands.filter { $0.intent.instance == instance }.map { command in
                StoredCommand(
                    action: command.intent.action.code,
                    generation: command.intent.generation,
                    term: command.term,
                    verdict: command.verdict?.rawValue
                )
            }
        }
    }

    func look(of instance: Int64) async throws -> Timestamp? {
        database.withTables { tables, _ in tables.looks[instance] }
    }

    func now() async throws -> Timestamp { database.now() }
}
