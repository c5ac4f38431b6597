import Domain
import FoundationEssentials
import Synchronization

/// Everything outside the replicas: senders, people, the engine's own doings, and what breaks.
final class SimulatedWorld: Sendable {
    /// Where a run is.
    enum Phase: Sendable, Hashable {
        case stress
        /// Nothing breaks any more; since when.
        case calm(Int64)
        /// All is as it should be; since when.
        case rest(Int64)
        /// One more event came; since when, about which instance.
        case wake(Int64, Int64)
        case over
    }

    struct State {
        var numbers: SeededNumbers
        var phase = Phase.stress
        /// The process in each place, and all there ever were.
        var replicas: [SimulatedReplica?] = []
        var everyReplica: [SimulatedReplica] = []
        var lastEvent = 0
        var strangers = 0
        /// What senders keep, in the order in which it was begun.
        var records: [SimulatedRecord] = []
        var convergedIn: Int64?
        /// Since when every session has been as it should be.
        var convergedAt: Int64?
        var weatherAge = 0
        /// Events that a sender has not been answered, nor given up.
        var undelivered = 0
    }

    let scenario: Scenario
    let scheduler: Scheduler
    let witness: Witness
    let database: SimulatedDatabase
    let engine: SimulatedEngine
    let planted: PlantedBug?
    private let state: Mutex<State>

    init(_ scenario: Scenario, planted: PlantedBug?, keepsHistory: Bool) {
        self.scenario = scenario
        self.planted = planted
        scheduler = Scheduler(seed: scenario.seed)
        witness = Witness(
            rules: .init(
                policy: scenario.policy,
                sweep: scenario.sweep,
                callsPerSecond: scenario.callsPerSecond,
                width: scenario.width
            ),
            keepsHistory: keepsHistory,
            scheduler: scheduler
        )
        database = SimulatedDatabase(seed: scenario.seed, scheduler: scheduler, witness: witness, planted: planted)
        engine = SimulatedEngine(
            seed: scenario.seed,
            database: database,
            timeout: scenario.policy.callTimeout,
            codesLast: scenario.codesLast,
            planted: planted
        )
        var state = State(numbers: SeededNumbers(seed: scenario.seed, stream: 5))
        state.replicas = Array(repeating: nil, count: scenario.replicas)
        self.state = Mutex(state)
    }

    func draw<Value: Sendable>(_ body: (inout SeededNumbers) -> Value) -> Value { state.withLock { body(&$0.numbers) } }

    func withState<Value: Sendable>(_ body: (inout State) -> Value) -> Value { state.withLock { body(&$0) } }

    var isOver: Bool {
        if withState({ $0.phase }) == .over { return true }
        let violations = witness.violations
        return planted.map { bug in violations.contains { $0.invariant == bug.caughtBy } } ?? !violations.isEmpty
    }

    /// Sets the scene and lets it begin.
    func begin() {
        database.withTables { tables, now in
            _ = tables.register((0..<scenario.accounts).map(Scenario.account))
        }
        for number in 0..<scenario.agents { hire("a\(number + 1)") }
        for place in 0..<scenario.replicas {
            scheduler.after(draw { $0.microseconds(0...2_000_000) }) { self.boot(place) }
        }
        scheduler.after(3_000_000) { self.punch() }
        scheduler.after(4_000_000) { self.scenario.isEngineAway ? self.takeEngineAway() : self.mishap() }
        scheduler.after(scenario.stress) { self.calm() }
        scheduler.after(1_000_000) { self.tick() }
        if scenario.hasStorm { scheduler.after(draw { $0.microseconds(30_000_000...60_000_000) }) { self.storm() } }
        if planted == .standbyLags { scheduler.after(3_000_000) { self.lag() } }
    }

    private func lag() {
        database.lag()
        scheduler.after(20_000_000) { self.lag() }
    }

    /// Makes an agent with an instance and its session.
    private func hire(_ id: String) {
        let (account, status, isPaired) = draw { numbers in
            (
                Int32(1 + numbers.below(scenario.accounts)),
                numbers.pick([SessionStatus.stopped, .stopped, .working, .failed]), !numbers.chance(80)
            )
        }
        let instance = database.withTables { tables, now in
            let agent = tables.addAgent(id, now: now)
            let instance = tables.addInstance("i-\(id)", account: account, agent: agent)
            tables.enqueue([Wake(instance: instance, account: account)], at: now)
            return instance
        }
        var session = EngineSession(id: "i-\(id)", instance: instance, account: account, status: status)
        session.isPaired = isPaired
        if !isPaired, status == .working { session.status = .stopped }
        engine.add(session)
    }

    // MARK: Processes

    /// Starts a new process in a place.
    func boot(_ place: Int) {
        guard withState({ $0.replicas[place] == nil && $0.phase != .over }) else { return }
        let (id, drift, start) = draw { numbers in
            (UUID(from: &numbers), numbers.microseconds(-200...200), numbers.microseconds(0...1_000_000_000))
        }
        let replica = SimulatedReplica(scenario, id: id, drift: drift, clockStart: start, engine: engine)
        witness.tell("\(id.short) starts")
        withState { state in
            state.replicas[place] = replica
            state.everyReplica.append(replica)
        }
        replica.start { self.ended(replica, place) }
    }

    private func ended(_ replica: SimulatedReplica, _ place: Int) {
        let isOurs = withState { state in
            guard state.replicas[place] === replica, state.phase != .over else { return false }
            state.replicas[place] = nil
            return true
        }
        guard isOurs else { return }
        witness.tell("\(replica.id.short) has ended")
        scheduler.set(replica.process, .dead)
        database.hearNoMore(replica.process)
        scheduler.after(draw { $0.microseconds(500_000...5_000_000) }) { self.boot(place) }
    }

    func crash(_ place: Int) {
        let replica = withState { state in
            defer { state.replicas[place] = nil }
            return state.replicas[place]
        }
        guard let replica else { return }
        witness.tell("\(replica.id.short) crashes")
        scheduler.set(replica.process, .dead)
        database.hearNoMore(replica.process)
        scheduler.after(draw { $0.microseconds(300_000...20_000_000) }) { self.boot(place) }
    }

    func freeze(_ place: Int) {
        guard let replica = withState({ $0.replicas[place] }), scheduler.standing(of: replica.process) == .running
        else {
            return
        }
        let duration = draw { $0.microseconds($0.chance(500) ? 10_000...3_000_000 : 3_000_000...25_000_000) }
        witness.tell("\(replica.id.short) stands still for \(duration / 1000) ms")
        scheduler.set(replica.process, .frozen)
        scheduler.after(duration) { self.thaw(replica) }
    }

    private func thaw(_ replica: SimulatedReplica) {
        guard scheduler.standing(of: replica.process) == .frozen else { return }
        witness.see { state in
            state.tell("\(replica.id.short) runs again")
            state.thawed(replica.id)
        }
        scheduler.set(replica.process, .running)
    }

    /// Nothing breaks from here on: who stands still runs again, who is gone comes back.
    private func calm() {
        let now = scheduler.now
        withState { $0.phase = .calm(now) }
        witness.tell("nothing breaks any more")
        database.set(.fair)
        for fault in EngineFault.allCases { engine.set(fault, to: 0) }
        for replica in withState({ $0.replicas }).compactMap(\.self) { thaw(replica) }
    }

    /// Ends all processes, so that nothing of them stays in memory.
    ///
    /// Returns whether everything came to its end.
    func clearUp() -> Bool {
        let replicas = withState { state in
            state.phase = .over
            return state.everyReplica
        }
        for replica in replicas { replica.cancel() }
        engine.abandonAll()
        let count = scheduler.clearUp()
        withState { state in
            state.replicas = []
            state.everyReplica = []
        }
        return count != nil
    }
}

extension UUID {
    /// A UUID that follows from a seed.
    init(from numbers: inout SeededNumbers) {
        let (high, low) = (numbers.next(), numbers.next())
        let bytes =
            (0..<8).map { UInt8(truncatingIfNeeded: high >> ($0 * 8)) }
            + (0..<8).map { UInt8(truncatingIfNeeded: low >> ($0 * 8)) }
        self.init(
            uuid: (
                bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7],
                bytes[8], bytes[9], bytes[10], bytes[11], bytes[12], bytes[13], bytes[14], bytes[15]
            )
        )
    }
}
