import Domain
import FoundationEssentials
import LibPQ
import Synchronization

/// A write that a failover may lose as long as no standby has it.
enum LosableWrite {
    case append, pass
}

/// The one database of a simulated deployment: its tables, its clock, its failures.
final class SimulatedDatabase: Sendable {
    private struct State {
        var tables = MemoryTables()
        var numbers: SeededNumbers
        var weather = Weather.fair
        var isDown = false
        /// What its clock shows when the run begins, and what a failover added.
        var clockStart: Int64
        /// Grows with every failover: what was connected before is cut.
        var epoch = 0
        var ears: [Int: @Sendable ([Wake]) -> Void] = [:]
        /// What an asynchronous standby would have had, for the bug of that name.
        var standby: MemoryTables?
        /// What there was before the first of the last writes that no standby has; any other write shows that one has them.
        var replicated: MemoryTables?
    }

    let scheduler: Scheduler
    let witness: Witness
    let planted: PlantedBug?
    private let state: Mutex<State>

    init(seed: UInt64, scheduler: Scheduler, witness: Witness, planted: PlantedBug?) {
        self.scheduler = scheduler
        self.witness = witness
        self.planted = planted
        state = Mutex(State(numbers: SeededNumbers(seed: seed, stream: 2), clockStart: 1_800_000_000_000_000))
    }

    /// The database's clock.
    func now() -> Timestamp { Timestamp(microseconds: state.withLock { $0.clockStart } + scheduler.now) }

    /// Reads or changes the tables at one instant, without any network: for what sets the scene, and for judging.
    @discardableResult
    func withTables<Value: Sendable>(_ body: (inout MemoryTables, Timestamp) throws -> Value) rethrows -> Value {
        let now = scheduler.now
        return try state.withLock { state in
            try body(&state.tables, Timestamp(microseconds: state.clockStart + now))
        }
    }

    // MARK: Breaking

    func set(_ weather: Weather) { state.withLock { $0.weather = weather } }

    /// The server is gone for a while, and a synchronous standby takes its place: nothing is lost that was known to be committed;
    /// what is not logged is, and an append or a pass that no standby had; and its clock is not quite the same.
    func failOver(for duration: Int64) {
        state.withLock { state in
            state.isDown = true
            state.epoch += 1
        }
        witness.see { state in
            state.tell("the database is gone")
            state.databaseUpSince = .max
        }
        scheduler.after(duration) { self.comeBack() }
    }

    /// The server that reached no standby may be gone right after: one time in three where the write was an append, and seldom where
    /// it was a pass, of which there are many.
    private func failOverSoon(isAppend: Bool) {
        let chance = isAppend || planted == .unreplicatedActs ? 300 : 30
        let (isGone, delay, duration) = state.withLock { state in
            (
                state.numbers.chance(chance), state.numbers.microseconds(0...10_000),
                state.numbers.microseconds(500_000...5_000_000)
            )
        }
        guard isGone else { return }
        scheduler.after(delay) {
            if self.state.withLock({ !$0.isDown }) { self.failOver(for: duration) }
        }
    }

    private func comeBack() {
        let (tables, isCut) = state.withLock { state in
            state.isDown = false
            state.clockStart += state.numbers.microseconds(0...40_000) - 20_000
            if let standby = state.standby { state.tables = standby }
            state.standby = nil
            let isCut = state.replicated != nil
            if let replicated = state.replicated { state.tables = replicated }
            state.replicated = nil
            state.tables.looks = [:]
            return (state.tables, isCut)
        }
        witness.see { state in
            state.tell("the database is back")
            state.databaseUpSince = state.now
            if isCut { state.cutLedger(to: tables) }
            state.checkLedger(tables)
        }
    }

    /// Keeps what a standby that lags would have; for the bug of that name.
    func lag() {
        state.withLock { $0.standby = $0.tables }
    }

    // MARK: Serving

    /// One operation of a replica, with all that may befall it on its way.
    ///
    /// `timeout`: after which the caller gives up.
    /// `losable`: what is written, where it can be lost in a failover if no standby had it.
    /// `body`: the transaction; runs at the instant at which the database has it.
    func serve<Value: Sendable>(
        timeout: Duration = .seconds(5),
        isWrite: Bool = true,
        losable: LosableWrite? = nil,
        _ body: (inout MemoryTables, Timestamp) throws -> Value
    ) async throws -> Value {
        let (draw, epoch) = state.withLock { state in (state.weather.fate(&state.numbers), state.epoch) }
        let started = scheduler.now
        try await pass(draw.there)
        if draw.fate == .refused { throw PQError(.connectionFailed, "simulated") }
        if case .hung(withEffect: false) = draw.fate {
            try await pass(started + timeout.microseconds - scheduler.now)
            throw PQError(.timedOut, "simulated")
        }
        let now = scheduler.now
        let value = try state.withLock { state in
            guard !state.isDown else { throw PQError(.connectionFailed, "simulated") }
            guard state.epoch == epoch else { throw PQError(.connectionLost, "simulated") }
            if losable != nil, draw.fate == .notReplicated {
                if state.replicated == nil { witness.see { $0.keepStored() } }
                state.replicated = state.replicated ?? state.tables
            } else if isWrite {
                state.replicated = nil
            }
            return try body(&state.tables, Timestamp(microseconds: state.clockStart + now))
        }
        if let losable, draw.fate == .notReplicated { failOverSoon(isAppend: losable == .append) }
        let unknown = PQError(isWrite ? .commitUnknown : .connectionLost, "simulated")
        if case .hung = draw.fate {
            try await pass(started + timeout.microseconds - now)
            throw unknown
        }
        try await pass(draw.back)
        // The caller's wait for a standby is cancelled; the transaction stands.
        if draw.fate == .notReplicated { throw isWrite ? PQError(.notReplicated, "simulated") : unknown }
        if draw.fate == .lostReply || state.withLock({ $0.epoch }) != epoch { throw unknown }
        return value
    }

    private func pass(_ microseconds: Int64) async throws(PQError) {
        do {
            try await scheduler.sleep(until: scheduler.now + max(0, microseconds))
        } catch {
            throw PQError(.cancelled, "simulated")
        }
    }

    // MARK: Notifications

    func hear(_ process: Int, _ onWake: @escaping @Sendable ([Wake]) -> Void) {
        state.withLock { $0.ears[process] = onWake }
    }

    func hearNoMore(_ process: Int) {
        state.withLock { $0.ears[process] = nil }
    }

    /// Loses every notification from now on.
    func deafen() {
        state.withLock { $0.ears = [:] }
    }

    /// Tells the others; one in ten never hears it.
    func notify(from process: Int, of wakes: [Wake]) {
        let ears = state.withLock { state -> [(Int64, @Sendable ([Wake]) -> Void)] in
            state.ears.sorted { $0.key < $1.key }.compactMap { ear in
                let delay = state.numbers.microseconds(500...20_000)
                return ear.key == process || state.numbers.chance(100) ? nil : (delay, ear.value)
            }
        }
        for (delay, ear) in ears { scheduler.after(delay) { ear(wakes) } }
    }
}
