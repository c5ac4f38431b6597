import Domain
import FoundationEssentials
import Synchronization

/// The sessions of all engine accounts, and what goes wrong with them.
final class SimulatedEngine: Sendable {
    struct State {
        var sessions: [String: EngineSession] = [:]
        var names: [String] = []
        var numbers: SeededNumbers
        /// The faults in force, with how many calls of a thousand each strikes.
        var faults: [EngineFault: Int] = [:]
        /// Who waits for an answer.
        var waiting: [Int: CheckedContinuation<EngineAnswer, Never>] = [:]
        var lists: [Int: [String: SessionStatus]] = [:]
        /// Calls that their caller gave up while they were under way; for the bug of that name.
        var ghosts: Set<Int> = []
        /// How long codes last that nobody scans, in microseconds; `nil` for as long as it takes.
        let codesLast: Int64?
        /// Changes of sessions that are to come by themselves.
        var pendingSteps = 0
        var isOver = false
    }

    let scheduler: Scheduler
    let database: SimulatedDatabase
    let witness: Witness
    let planted: PlantedBug?
    /// After which a caller gives up, in microseconds.
    let timeout: Int64
    private let state: Mutex<State>

    init(seed: UInt64, database: SimulatedDatabase, timeout: Duration, codesLast: Int64?, planted: PlantedBug?) {
        scheduler = database.scheduler
        witness = database.witness
        self.database = database
        self.timeout = timeout.microseconds
        self.planted = planted
        state = Mutex(State(numbers: SeededNumbers(seed: seed, stream: 3), codesLast: codesLast))
    }

    func add(_ session: EngineSession) {
        state.withLock { state in
            state.sessions[session.id] = session
            state.names.append(session.id)
        }
    }

    /// Reads or changes sessions at one instant.
    func withState<Value: Sendable>(_ body: (inout State, Int64) -> Value) -> Value {
        let now = scheduler.now
        return state.withLock { body(&$0, now) }
    }

    func set(_ fault: EngineFault, to permille: Int) {
        withState { state, _ in state.faults[fault] = permille > 0 ? permille : nil }
    }

    // MARK: Calls

    /// One call of a replica, from the moment it leaves the reconciler's hands.
    ///
    /// `call`: `nil` for a list.
    func exchange(
        _ call: EngineCall?,
        _ id: String,
        account: Int32,
        caller: EngineCaller,
        departure: CallDeparture
    ) async -> (Int, EngineAnswer) {
        let instance = withState { state, _ in state.sessions[id]?.instance ?? 0 }
        let entry = Witness.Call(
            replica: caller.replica,
            account: account,
            call: call,
            instance: instance,
            enteredAt: scheduler.now,
            stamp: caller.clock.now()
        )
        let now = database.now()
        let number = witness.see { state in
            state.asked(call, of: id, by: caller.replica)
            return state.enters(entry, name: id, now: now)
        }
        // The process may stand still between the check of its lease and the first byte.
        let hop: ()? = try? await scheduler.sleep(until: scheduler.now)
        guard hop != nil else { return (number, EngineAnswer(verdict: .notSent)) }
        guard await connect(departure) else {
            witness.see { $0.takenBack(number) }
            return (number, EngineAnswer(verdict: .notSent))
        }
        departure.hasLeft()
        let leftAt = database.now()
        witness.see { $0.departs(number, now: leftAt) }
        let answer = await withCheckedContinuation { continuation in
            let isOver = withState { state, _ in
                if !state.isOver { state.waiting[number] = continuation }
                return state.isOver
            }
            if isOver { return continuation.resume(returning: EngineAnswer(verdict: .notSent)) }
            transmit(number, call, id, account: account, enteredAt: entry.enteredAt)
        }
        return (number, answer)
    }

    /// Waits until there is a connection; `false` when the call may leave no longer before that, or its process is gone.
    private func connect(_ departure: CallDeparture) async -> Bool {
        var wait = withState { state, _ in state.connectionWait() }
        if planted == .leavesUnseen { departure.hasLeft() }
        while wait > 0 {
            let isWatched = planted != .leaseLeftBehind
            let remaining = isWatched ? departure.remaining?().microseconds ?? wait : wait
            guard remaining > 0 else { return false }
            // It asks as often as the real client does.
            let step = min(wait, remaining, 100_000)
            guard (try? await scheduler.sleep(until: scheduler.now + step)) != nil else { return false }
            wait -= step
        }
        return true
    }

    func takeList(_ number: Int) -> [String: SessionStatus] {
        withState { state, _ in state.lists.removeValue(forKey: number) ?? [:] }
    }

    /// Answers everybody who still waits, so that nothing is left when the run is over.
    func abandonAll() {
        let waiting = withState { state, _ in
            state.isOver = true
            defer { state.waiting = [:] }
            return state.waiting
        }
        for number in waiting.keys.sorted() { waiting[number]?.resume(returning: EngineAnswer(verdict: .notSent)) }
    }

    private func transmit(_ number: Int, _ call: EngineCall?, _ id: String, account: Int32, enteredAt: Int64) {
        let fate = withState { state, _ in state.fate(of: call) }
        scheduler.after(enteredAt + timeout - scheduler.now) {
            self.finish(number, EngineAnswer(verdict: .ambiguous))
        }
        if planted == .givesUpEarly, call != .info { scheduler.after(300_000) { self.giveUpEarly(number) } }
        if fate == .unreachable || fate == .outage {
            return scheduler.after(1000) { self.finish(number, EngineAnswer(verdict: .unreachable)) }
        }
        if fate == .late || fate == .failsEarly {
            return takeEffectLate(number, call, id, account: account, fate: fate, enteredAt: enteredAt)
        }
        let (there, back) = withState { state, _ in state.latencies(isSlow: fate == .slow) }
        scheduler.after(there) {
            let answer = self.arrive(number, call, id, account: account, fate: fate)
            if let answer { self.scheduler.after(back) { self.finish(number, answer) } }
        }
    }

    /// The engine works on a call that its caller has long given up, or that something between them has answered with an error,
    /// and nobody hears what came of it.
    private func takeEffectLate(
        _ number: Int,
        _ call: EngineCall?,
        _ id: String,
        account: Int32,
        fate: EngineFault?,
        enteredAt: Int64
    ) {
        let delay = withState { state, _ in
            state.pendingSteps += 1
            return fate == .failsEarly
                ? state.numbers.microseconds(300_000...4_000_000)
                : enteredAt + timeout - scheduler.now + state.numbers.microseconds(0...8_000_000)
        }
        if fate == .failsEarly {
            scheduler.after(50_000) { self.finish(number, EngineAnswer(verdict: .transient, httpStatus: 504)) }
        }
        scheduler.after(delay) {
            self.withState { state, _ in state.pendingSteps -= 1 }
            _ = self.arrive(number, call, id, account: account, fate: fate)
        }
    }

    private func giveUpEarly(_ number: Int) {
        let waiter = withState { state, _ in
            let waiter = state.waiting.removeValue(forKey: number)
            if waiter != nil { state.ghosts.insert(number) }
            return waiter
        }
        waiter?.resume(returning: EngineAnswer(verdict: .unreachable))
    }

    private func finish(_ number: Int, _ answer: EngineAnswer) {
        if withState({ state, _ in state.ghosts.remove(number) }) != nil {
            return witness.see { $0.ended(number, answer) }
        }
        guard let waiter = withState({ state, _ in state.waiting.removeValue(forKey: number) }) else { return }
        witness.see { $0.ended(number, answer) }
        waiter.resume(returning: answer)
    }

    /// The engine has the call; `nil` when no answer leaves it.
    private func arrive(
        _ number: Int,
        _ call: EngineCall?,
        _ id: String,
        account: Int32,
        fate: EngineFault?
    ) -> EngineAnswer? {
        let (answer, steps) = withState { state, now in
            state.serve(number, call, id, account: account, fate: fate, now: now)
        }
        for step in steps { plan(step) }
        let operation = call?.rawValue ?? "list"
        witness.see { $0.arrives(number, planted == .stopLogsOut && call == .stop ? "logout" : operation, of: id) }
        return answer
    }

    /// A change of a session that comes by itself.
    struct Step: Sendable {
        var id: String
        var age: Int
        var after: Int64
        var status: SessionStatus
    }

    func plan(_ step: Step) {
        guard step.after < .max / 8 else { return }
        withState { state, _ in state.pendingSteps += 1 }
        scheduler.after(step.after) {
            let more = self.withState { state, now in
                state.pendingSteps -= 1
                return state.take(step, now: now)
            }
            for step in more { self.plan(step) }
        }
    }
}

/// Which replica calls, and its idea of the time.
struct EngineCaller: Sendable {
    var replica: UUID
    var clock: DatabaseClock
}
