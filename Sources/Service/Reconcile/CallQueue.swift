import Domain
import Synchronization

/// The calls that wait for one engine account, in the order of ``CallLine``, within a budget of calls per second.
final class CallQueue: Sendable {
    fileprivate struct State {
        var line = CallLine()
        var lanes: [CheckedContinuation<DepartingCall?, Never>] = []
        var budget: CallBudget
        var spacing: CallSpacing
        /// Monotonic microseconds until which nothing leaves (breaker).
        var pausedUntil: Int64 = 0
        /// Monotonic microseconds until which the engine asked to be left alone.
        var askedUntil: Int64 = 0
        var failuresInRow = 0
        var isClosed = false
        /// How many calls were handed out.
        var departed = 0
        /// Those of them that are not over, by number: when they left, in microseconds of the monotonic clock, if they have.
        var underWay: [Int: Int64?] = [:]
        /// When this replica last made a call without acting for the account, by the monotonic clock.
        var besideAt: Int64?
        /// Somebody already waits to try again at the budget's or the pause's end.
        var hasTimer = false
    }

    /// Failures in a row, of whatever instance, after which the engine gets a pause.
    private static let breakerLimit = 20
    private static let shortestPause: Int64 = 1_000_000
    private static let longestPause: Int64 = 30_000_000
    /// The longest that an engine is left alone because it asked for it; then one call finds out anew.
    static let longestAskedPause: Duration = .seconds(300)

    private let state: Mutex<State>
    private let clock: DatabaseClock
    private let callsPerSecond: Int
    /// Signals that a lane waits although jobs do: the pacer hands them out once allowed.
    private let pace: AsyncStream<Int64>
    private let paceSignal: AsyncStream<Int64>.Continuation

    init(callsPerSecond: Int, clock: DatabaseClock = DatabaseClock()) {
        self.clock = clock
        self.callsPerSecond = callsPerSecond
        let budget = CallBudget(perSecond: callsPerSecond, now: clock.monotonic())
        let spacing = CallSpacing(perSecond: callsPerSecond, now: clock.monotonic())
        state = Mutex(State(budget: budget, spacing: spacing))
        (pace, paceSignal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Puts a call in line; `false` once the queue is closed.
    func push(_ job: CallJob, priority: JobPriority) -> Bool {
        let now = clock.monotonic()
        let isTaken = state.withLock { state in
            if !state.isClosed { state.line.append(job, priority: priority, now: now) }
            return !state.isClosed
        }
        if isTaken { handOut() }
        return isTaken
    }

    /// Whether ``reserve(_:)`` leaves anything for others.
    var leavesRoom: Bool { state.withLock { $0.budget.leavesRoom } }

    /// Leaves one call a second to replicas that do not act for the account, if there are any.
    func reserve(_ forOthers: Bool) {
        state.withLock { $0.budget.reserved = forOthers && $0.budget.leavesRoom ? 1 : 0 }
    }

    /// Lets a look that waits further back go where one waits that is wanted now.
    ///
    /// Nothing happens where it does not wait.
    func promote(_ instance: Int64, _ purpose: LookPurpose) {
        let now = clock.monotonic()
        if state.withLock({ $0.line.promote(instance, purpose, now: now) }) { handOut() }
    }

    /// Takes commands out that still wait, as when their agents did the opposite meanwhile; what is under way stays so.
    ///
    /// Returns those that waited.
    func withdraw(_ commands: [CommandKey]) -> [CallJob] {
        state.withLock { $0.line.withdraw(Set(commands)) }
    }

    /// How many calls were handed out whose lanes have not come back.
    var underWay: Int { state.withLock { $0.underWay.count } }

    /// How many looks wait besides those of the background's sweep.
    var lookCount: Int { state.withLock { $0.line.lookCount } }

    /// What waits, how much has left so far, and how much may leave.
    var load: LineLoad {
        let now = clock.monotonic()
        return state.withLock { state in
            LineLoad(
                counts: state.line.counts,
                departed: state.departed,
                callsPerSecond: max(1, callsPerSecond - state.budget.reserved),
                isPaused: state.blockedUntil > now
            )
        }
    }

    /// The next call; `nil` once the queue is closed.
    ///
    /// `last`: the call that the lane made before this one.
    func next(after last: EndedCall? = nil) async -> DepartingCall? {
        let now = clock.monotonic()
        return await withCheckedContinuation { continuation in
            let isClosed = state.withLock { state in
                if let last, let leftAt = state.underWay.removeValue(forKey: last.number) {
                    state.budget.ended(leftAt: leftAt, wasAnswered: last.wasAnswered, now: now)
                }
                if !state.isClosed { state.lanes.append(continuation) }
                return state.isClosed
            }
            if isClosed { continuation.resume(returning: nil) } else { handOut() }
        }
    }

    /// What a call that was handed out is bound to on its way: the budget is told when it leaves.
    ///
    /// `number`: as ``DepartingCall/number`` says. `remaining`: for how much longer it may leave.
    func departure(of number: Int, remaining: @escaping @Sendable () -> Duration) -> CallDeparture {
        CallDeparture(remaining: remaining) { [self] in
            let now = clock.monotonic()
            state.withLock { state in
                // Of one that is over the budget was told already.
                guard let leftAt = state.underWay[number], leftAt == nil else { return }
                state.underWay[number] = .some(now)
                state.budget.left(now: now)
            }
        }
    }

    /// Notes how a call went, for the breaker; an answer to a read that proves nothing neither begins nor ends a pause.
    ///
    /// - Returns: how long the engine gets a pause, when one begins.
    func noteOutcome(_ verdict: EngineVerdict, ofRead isRead: Bool = false) -> Duration? {
        if isRead, verdict.provesNothingWhenRead { return nil }
        return state.withLock { state in
            switch verdict {
            case .transient, .unreachable, .ambiguous:
                state.failuresInRow += 1
                guard state.failuresInRow >= Self.breakerLimit else { return nil }
                let doublings = min(max(0, (state.failuresInRow - Self.breakerLimit) / Self.breakerLimit), 5)
                let pause = min(Self.shortestPause << doublings, Self.longestPause)
                state.pausedUntil = clock.monotonic() + pause
                return .microseconds(pause)
            case .ok, .already, .verify, .errorBody, .missing, .permanent, .auth:
                state.failuresInRow = 0
                state.pausedUntil = 0
                return nil
            case .notSent:
                return nil
            }
        }
    }

    /// Lets nothing leave for as long as the engine asked for, whatever comes back meanwhile of calls that left before.
    ///
    /// "Too many requests" and "unavailable for so long" are said to the client and not of a session, so they hold for the whole
    /// account. Source: RFC 9110, 10.2.3; RFC 6585, 4.
    ///
    /// - Returns: how long, where no such pause was under way.
    func noteAskedPause(_ answer: EngineAnswer) -> Duration? {
        guard answer.httpStatus == 429 || answer.httpStatus == 503, let asked = answer.retryAfter, asked > .zero else {
            return nil
        }
        let pause = min(asked, Self.longestAskedPause)
        return state.withLock { state in
            let now = clock.monotonic()
            let isNew = state.askedUntil <= now
            state.askedUntil = max(state.askedUntil, now + pause.microseconds)
            return isNew ? pause : nil
        }
    }

    /// Begins with what whoever acted for the account until now has left of the budget.
    func beginBudget(_ handover: Handover) {
        let now = clock.monotonic()
        let budget = CallBudget(
            perSecond: callsPerSecond,
            spent: handover.spent.map(Int.init),
            now: now - handover.age.microseconds
        )
        state.withLock { state in
            let earlier = state.budget
            state.budget = budget
            state.budget.reserved = earlier.reserved
            state.budget.adopt(waitingOf: earlier)
            // What is left to others while somebody else acts was this replica's own a moment ago.
            if let besideAt = state.besideAt, now - besideAt < CallBudget.longestCount {
                state.budget.count(leftAt: besideAt)
            }
        }
    }

    /// Counts a call that this replica makes now without acting for the account, also should it act in the next second.
    ///
    /// Such calls are further apart than they count (``PairingDesk``), so the last one is enough.
    func noteBeside() {
        let now = clock.monotonic()
        state.withLock { state in
            state.besideAt = now
            state.budget.count(leftAt: now)
        }
    }

    /// How many calls left in the last second.
    var spent: Int32 { state.withLock { Int32(clamping: $0.budget.spent(now: clock.monotonic())) } }

    /// Hands out jobs that had to wait for the budget or a pause, until ``close()``.
    func runPacer() async {
        for await instant in pace {
            let wait = instant - clock.monotonic()
            if wait > 0 { try? await clock.sleep(for: .microseconds(wait)) }  // Cancelled at the end only.
            state.withLock { $0.hasTimer = false }
            handOut()
        }
    }

    /// Hands out nothing more.
    ///
    /// Returns what still waited.
    func close() -> [CallJob] {
        let (lanes, jobs) = state.withLock { state in
            state.isClosed = true
            defer { state.lanes = [] }
            return (state.lanes, state.line.removeAll())
        }
        paceSignal.finish()
        for lane in lanes { lane.resume(returning: nil) }
        return jobs
    }

    /// Removes and returns everything that waits, as when the lease is lost.
    func clear() -> [CallJob] {
        state.withLock { $0.line.removeAll() }
    }

    private func handOut() {
        while true {
            let step = state.withLock { state in state.nextStep(now: clock.monotonic()) }
            switch step {
            case .run(let lane, let call): lane.resume(returning: call)
            case .later(let instant):
                paceSignal.yield(instant)
                return
            case .nothing: return
            }
        }
    }

    fileprivate enum Step {
        case run(CheckedContinuation<DepartingCall?, Never>, DepartingCall)
        case later(Int64)
        case nothing
    }
}

extension CallQueue.State {
    /// How long looks are held before that is thought over, in microseconds.
    private static let holdStep: Int64 = 20_000
    /// How long the pacer sleeps at a time, in microseconds: nobody waits longer for it at the end.
    private static let longestNap: Int64 = 1_000_000

    /// Until when nothing leaves.
    fileprivate var blockedUntil: Int64 { max(pausedUntil, askedUntil) }

    fileprivate mutating func nextStep(now: Int64) -> CallQueue.Step {
        guard !isClosed, !lanes.isEmpty else { return .nothing }
        switch line.next(now: now) {
        case .nothing:
            return .nothing
        case .later(let instant):
            // Not all of it at once: a command may have to wait for less meanwhile, and there is one timer.
            return wait(until: max(min(instant, now + Self.holdStep), blockedUntil), now: now)
        case .job(let rank):
            if now < blockedUntil { return wait(until: blockedUntil, now: now) }
            guard spacing.allows(now: now) else { return wait(until: spacing.nextAllowed(now: now), now: now) }
            guard budget.take(now: now) else { return wait(until: budget.nextAllowed(now: now), now: now) }
            guard let lane = lanes.popLast(), let job = line.take(rank, now: now) else { return .nothing }
            spacing.take(now: now)
            departed += 1
            underWay[departed] = .some(nil)
            return .run(lane, DepartingCall(job: job, number: departed))
        }
    }

    private mutating func wait(until instant: Int64, now: Int64) -> CallQueue.Step {
        if hasTimer { return .nothing }
        hasTimer = true
        return .later(min(instant, now + Self.longestNap))
    }
}
