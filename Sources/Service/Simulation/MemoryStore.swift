import Domain
import FoundationEssentials
import LibPQ

/// The reconciler's side of the database in memory, as one replica reaches it.
struct MemoryStore: ReconcilerStore {
    let database: SimulatedDatabase
    /// The process that asks.
    let process: Int
    let replica: UUID

    var executor: (any TaskExecutor)? { nil }

    func register(_ names: [String]) async throws(PQError) -> [String: Int32] {
        try await serve { tables, _ in tables.register(names) }
    }

    func beat(_ heartbeat: Heartbeat) async throws(PQError) -> HeartbeatAnswer {
        try await serve(timeout: Housekeeping.leaseTTL) { tables, now in
            var answer = database.plantedBeat(heartbeat, &tables, now) ?? tables.beat(heartbeat, now: now)
            database.spoil(&answer)
            database.witness.see { $0.beat(tables, now: now) }
            return answer
        }
    }

    func layDown(_ accounts: Set<Int32>, of replica: UUID, spent: [Int32: Int32]) async throws(PQError) {
        try await serve { tables, now in
            tables.layDown(accounts, of: replica, now: now, spent: spent)
            database.witness.see { $0.left(tables, now: now) }
        }
    }

    func leave(_ replica: UUID, spent: [Int32: Int32]) async throws(PQError) {
        try await serve { tables, now in
            tables.leave(replica, now: now, spent: spent)
            database.witness.see { $0.left(tables, now: now) }
        }
    }

    func line(of account: Int32) async throws(PQError) -> [QueuedInstance] {
        try await serve(isWrite: false) { tables, _ in tables.line(of: account) }
    }

    func pass(
        _ request: PassRequest,
        decide: (PassReading) throws -> PassWriting
    ) async throws -> PassWriting {
        var stale: PassReading?
        if database.planted == .staleFacts {
            stale = database.withTables { tables, _ in tables.reading(request) }
            try await database.scheduler.sleep(until: database.scheduler.now + 200_000)
        }
        var written: PassWriting?
        do {
            return try await database.serve(timeout: request.timeout, losable: .pass) { tables, instant in
                var reading = stale ?? tables.reading(request)
                if database.planted == .fenceDropped { reading.term = request.term }
                var writing = try decide(reading)
                if database.planted == .stormUnnoticed { writing.restartWishes = [] }
                database.write(writing, &tables)
                database.witness.see { state in
                    state.checkClock(writing.now, at: instant, by: replica)
                    state.passed(writing, by: replica, account: request.account, tables)
                }
                written = writing
                return writing
            }
        } catch let error as PQError {
            guard database.planted == .unreplicatedActs, error.kind == .notReplicated, let written else { throw error }
            return written
        }
    }

    func record(_ looks: [Look], of account: Int32) async throws(PQError) {
        try await serve { tables, now in
            let invented = database.planted == .looksInvented ? tables.instances.keys.min() : nil
            let reading = invented.flatMap { tables.instances[$0]?.subject.evidence.reading }
            var looks = looks
            if let invented, let reading { looks.append(Look(instance: invented, lookedAt: now, reading: reading)) }
            tables.record(looks)
            database.witness.see { $0.checkLooks(looks, tables) }
        }
    }

    func page(
        _ account: Int32,
        desired: RunState,
        after position: Int64,
        limit: Int
    ) async throws(PQError) -> [SweepEntry] {
        try await serve(isWrite: false) { tables, _ in
            tables.page(account, desired: desired, after: position, limit: limit)
        }
    }

    func stalest(_ account: Int32, after position: Int64) async throws(PQError) -> StalestPage {
        try await serve(isWrite: false) { tables, _ in tables.stalest(account, after: position) }
    }

    func publish(_ forecasts: [Int32: LineForecast], by replica: UUID) async throws(PQError) -> Set<Int32> {
        try await serve { tables, _ in tables.publish(forecasts, by: replica) }
    }

    func count(_ account: Int32, desired: RunState) async throws(PQError) -> Int {
        try await serve(isWrite: false) { tables, _ in tables.count(account, desired: desired) }
    }

    func unpark(_ agents: [Int64], policy: ReconcilePolicy, clock: DatabaseClock) async throws -> [Wake] {
        try await database.serve(losable: .pass) { tables, instant in
            let now = clock.now()
            let due = tables.due(agents, at: instant)
            let wakes = tables.refold(due, policy: policy, now: now)
            database.witness.see { state in
                state.checkClock(now, at: instant, by: replica)
                state.appended(tables, agents: due, now: now)
            }
            return wakes
        }
    }

    func letGo(of instances: [Int64]) async throws(PQError) {
        try await serve { tables, _ in tables.letGo(of: instances) }
    }

    /// What befalls accounts stays in this process's memory.
    func begin(_ standing: AccountStanding) async throws(PQError) {}

    func keep(_ incidents: IncidentLog) async {
        try? await database.scheduler.sleep(until: .max)  // Cancelled: the end.
    }

    func tellOthers(of wakes: [Wake]) async throws(PQError) {
        try await serve(isWrite: false) { _, _ in }
        database.notify(from: process, of: wakes)
    }

    /// Nobody watches in a simulation.
    func tellOthers(_ news: ChangeNews) async throws(PQError) {}

    func hearOthers(
        _ onWake: @escaping @Sendable ([Wake]) -> Void,
        onChange: @escaping @Sendable (ChangeNews) -> Void
    ) async {
        database.hear(process, onWake)
        try? await database.scheduler.sleep(until: .max)  // Cancelled: the end.
        database.hearNoMore(process)
    }

    /// Appends a batch of clock events, as ``AppendTransaction`` does.
    func append(
        _ events: [IncomingEvent],
        leases: LeaseBook,
        policy: ReconcilePolicy,
        decider: @escaping Decider,
        clock: DatabaseClock,
        tried: TriedCommands = TriedCommands()
    ) async throws(PQError) -> AppendTransaction.Result {
        try await serve(losable: .append) { tables, instant in
            let now = clock.now()
            let (known, before) = (tables.events.count, tables.known)
            let result = database.append(events, &tables) { tables, events in
                tables.append(events, leases: leases, policy: policy, decider: decider, now: now)
            }
            tried.begin(result.plans)
            let agents = tables.agents(of: tables.events[known...])
            database.witness.see { state in
                state.checkClock(now, at: instant, by: replica)
                state.checkRequest(before, tables, by: replica)
                state.appended(tables, agents: agents, now: now)
                for plan in result.plans {
                    state.checkTerm(plan, by: replica, tables)
                    state.planned(plan, by: replica, tables, now: now)
                }
            }
            return result
        }
    }

    /// ``SimulatedDatabase/serve(timeout:isWrite:losable:_:)`` with the errors of a database.
    private func serve<Value: Sendable>(
        timeout: Duration = .seconds(5),
        isWrite: Bool = true,
        losable: LosableWrite? = nil,
        _ body: (inout MemoryTables, Timestamp) throws -> Value
    ) async throws(PQError) -> Value {
        do {
            return try await database.serve(timeout: timeout, isWrite: isWrite, losable: losable, body)
        } catch let error as PQError {
            throw error
        } catch {
            throw PQError(.cancelled, "simulated")
        }
    }
}
