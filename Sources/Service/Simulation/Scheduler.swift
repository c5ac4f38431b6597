import HeapModule
import Synchronization

/// Simulated time, and what runs in it: one job at a time, on the thread that drives it.
///
/// Of all jobs that are ready one is drawn by the seed. Time stands still while any is, and then leaps to what comes next. So a
/// run depends on its seed alone, as long as nothing in it asks for another thread, the real time or a random number.
final class Scheduler: Sendable {
    /// What becomes of a process for a while.
    enum Standing: Sendable, Hashable {
        case running
        /// Its jobs wait.
        case frozen
        /// Its jobs never run again, but for the clearing up when the run is over.
        case dead
    }

    fileprivate struct Timed: Comparable {
        var at: Int64
        var number: Int
        var what: What

        enum What {
            case sleeper
            case event(@Sendable () -> Void)
        }

        static func < (left: Timed, right: Timed) -> Bool { (left.at, left.number) < (right.at, right.number) }
        static func == (left: Timed, right: Timed) -> Bool { left.number == right.number }
    }

    fileprivate struct Process {
        var executor: ProcessExecutor
        var standing = Standing.running
        /// Jobs that came while it does not run.
        var waiting: [UnownedJob] = []
        /// Jobs until it is struck, and what then happens.
        var strike: (jobsLeft: Int, what: @Sendable () -> Void)?
    }

    fileprivate struct State {
        var now: Int64 = 0
        var lastNumber = 0
        var ready: [(job: UnownedJob, process: Int)] = []
        var timed = Heap<Timed>()
        var sleepers: [Int: CheckedContinuation<Void, any Error>] = [:]
        var processes: [Process] = []
        var numbers: SeededNumbers
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        var jobCount = 0
        var isOver = false
    }

    private let state: Mutex<State>

    init(seed: UInt64) {
        state = Mutex(State(numbers: SeededNumbers(seed: seed, stream: 1)))
    }

    /// Microseconds since the run began.
    var now: Int64 { state.withLock { $0.now } }

    /// Follows from everything that ran so far, and in which order.
    var hash: UInt64 { state.withLock { $0.hash } }

    var jobCount: Int { state.withLock { $0.jobCount } }

    /// Mixes something that happened into ``hash``.
    func note(_ value: UInt64) {
        state.withLock { $0.mix(value) }
    }

    // MARK: Processes

    /// Adds a process; its jobs run on the executor.
    func addProcess() -> ProcessExecutor {
        state.withLock { state in
            let executor = ProcessExecutor(number: state.processes.count, scheduler: self)
            state.processes.append(Process(executor: executor))
            return executor
        }
    }

    func standing(of process: Int) -> Standing { state.withLock { $0.processes[process].standing } }

    func set(_ process: Int, _ standing: Standing) {
        state.withLock { $0.set(process, standing) }
    }

    /// Does something to a process after it ran so many jobs more.
    func strike(_ process: Int, afterJobs count: Int, _ what: @escaping @Sendable () -> Void) {
        state.withLock { $0.processes[process].strike = (count, what) }
    }

    fileprivate func enqueue(_ job: UnownedJob, _ process: Int) {
        state.withLock { state in
            guard process < state.processes.count else { return }
            if state.processes[process].standing == .running {
                state.ready.append((job, process))
            } else {
                state.processes[process].waiting.append(job)
            }
        }
    }

    // MARK: Time

    /// Calls `event` on the driving thread when so many microseconds are over.
    func after(_ delay: Int64, _ event: @escaping @Sendable () -> Void) {
        state.withLock { $0.add(at: $0.now + max(0, delay), .event(event)) }
    }

    /// Waits; for tasks of a process.
    func sleep(until instant: Int64) async throws {
        let number = state.withLock { state in
            state.lastNumber += 1
            return state.lastNumber
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let isOver = state.withLock { state in
                    if state.isOver || Task.isCancelled { return true }
                    state.sleepers[number] = continuation
                    state.timed.insert(Timed(at: max(instant, state.now), number: number, what: .sleeper))
                    return false
                }
                if isOver { continuation.resume(throwing: CancellationError()) }
            }
        } onCancel: {
            state.withLock { $0.sleepers.removeValue(forKey: number) }?.resume(throwing: CancellationError())
        }
    }

    // MARK: Driving

    /// Runs until an instant, or until `isOver` says so, which is asked before time moves.
    func run(until instant: Int64, isOver: () -> Bool) {
        while true {
            switch state.withLock({ $0.next(until: instant) }) {
            case .job(let job, let executor, let strike):
                job.runSynchronously(on: executor.asUnownedTaskExecutor())
                strike?()
            case .sleeper(let continuation):
                continuation.resume()
            case .event(let event):
                event()
                if isOver() { return }
            case .nothing: break
            case .end: return
            }
        }
    }

    /// Wakes everything that waits, as cancelled, and lets it run to its end, so that nothing of the run stays in memory.
    ///
    /// - Returns: how many jobs that took; `nil` when there was no end.
    func clearUp(jobLimit: Int = 1_000_000) -> Int? {
        state.withLock { state in
            state.isOver = true
            state.timed = Heap()
            for process in state.processes.indices {
                state.processes[process].strike = nil
                state.set(process, .running)
            }
        }
        for count in 0..<jobLimit {
            let sleepers = state.withLock { state in
                defer { state.sleepers = [:] }
                return state.sleepers
            }
            for (_, sleeper) in sleepers { sleeper.resume(throwing: CancellationError()) }
            guard case .job(let job, let executor, _) = state.withLock({ $0.next(until: .max) }) else {
                // Executors and scheduler hold on to each other.
                state.withLock { $0.processes = [] }
                return count
            }
            job.runSynchronously(on: executor.asUnownedTaskExecutor())
        }
        return nil
    }
}

extension Scheduler.State {
    fileprivate enum Next {
        case job(UnownedJob, ProcessExecutor, strike: (@Sendable () -> Void)?)
        case sleeper(CheckedContinuation<Void, any Error>)
        case event(@Sendable () -> Void)
        /// A sleeper that was woken before.
        case nothing
        case end
    }

    fileprivate mutating func next(until instant: Int64) -> Next {
        guard ready.isEmpty else { return nextJob() }
        guard let first = timed.min, first.at <= instant else {
            now = max(now, isOver ? now : instant)
            return .end
        }
        timed.removeMin()
        now = max(now, first.at)
        switch first.what {
        case .event(let event): return .event(event)
        case .sleeper:
            guard let continuation = sleepers.removeValue(forKey: first.number) else { return .nothing }
            return .sleeper(continuation)
        }
    }

    private mutating func nextJob() -> Next {
        let place = ready.count == 1 ? 0 : numbers.below(ready.count)
        let (job, process) = ready[place]
        ready.swapAt(place, ready.count - 1)
        ready.removeLast()
        jobCount += 1
        mix(UInt64(truncatingIfNeeded: now) ^ UInt64(process) << 56)
        var strike: (@Sendable () -> Void)?
        if let due = processes[process].strike {
            processes[process].strike = due.jobsLeft > 0 ? (due.jobsLeft - 1, due.what) : nil
            if due.jobsLeft == 0 { strike = due.what }
        }
        return .job(job, processes[process].executor, strike: strike)
    }

    fileprivate mutating func add(at instant: Int64, _ what: Scheduler.Timed.What) {
        guard !isOver else { return }
        lastNumber += 1
        timed.insert(Scheduler.Timed(at: instant, number: lastNumber, what: what))
    }

    fileprivate mutating func set(_ process: Int, _ standing: Scheduler.Standing) {
        processes[process].standing = standing
        if standing == .running {
            ready += processes[process].waiting.map { ($0, process) }
            processes[process].waiting = []
        } else {
            processes[process].waiting += ready.filter { $0.process == process }.map(\.job)
            ready.removeAll { $0.process == process }
        }
    }

    fileprivate mutating func mix(_ value: UInt64) {
        hash = (hash ^ value) &* 0x0000_0100_0000_01B3
        hash ^= hash >> 29
    }
}

/// Where the tasks of one simulated process run.
final class ProcessExecutor: TaskExecutor {
    let number: Int
    private let scheduler: Scheduler

    fileprivate init(number: Int, scheduler: Scheduler) {
        self.number = number
        self.scheduler = scheduler
    }

    func enqueue(_ job: consuming ExecutorJob) {
        scheduler.enqueue(UnownedJob(job), number)
    }
}

/// The time of one simulated process: runs a little too fast or too slow, and began anywhere.
struct SimulatedProcessClock: ProcessClock {
    let scheduler: Scheduler
    /// What it showed when the run began, in microseconds.
    let start: Int64
    /// How much it runs ahead, in millionths.
    let drift: Int64

    func monotonic() -> Int64 {
        let now = scheduler.now
        return start + now + now * drift / 1_000_000
    }

    func sleep(until instant: Int64) async throws {
        let passed = instant - start
        // No run is longer than that; a microsecond more, so that the instant has come whatever was cut off.
        let isFar = passed > 1_000_000_000_000
        try await scheduler.sleep(until: isFar ? passed : passed * 1_000_000 / (1_000_000 + drift) + 1)
    }
}
