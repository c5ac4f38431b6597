import Glibc
import Synchronization

/// What a reactor's thread runs.
///
/// Made on that thread and never leaves it, so it needs no lock.
protocol ReactorCore<Command>: AnyObject {
    associatedtype Command: Sendable

    /// Whether everything is closed and the thread may end.
    var isFinished: Bool { get }
    /// When ``tick(_:)`` wants to be called at the latest; `nil` is never.
    var nextDeadline: Tick? { get }

    /// Does what another thread asked for.
    func receive(_ command: Command)
    /// Handles a descriptor that can be read, written, or has failed.
    func ready(_ event: EventPoll.Event)
    /// Does what has become due.
    func tick(_ now: Tick)
    /// Answers a command that came too late.
    func refuse(_ command: Command)
}

/// One operating system thread that waits for sockets, timers and commands.
///
/// Every libpq call on a connection is made on it, so nobody else ever waits for the network, and a connection needs no
/// lock. A command costs one short lock, and one `write` to a pipe when the thread sleeps.
final class PQReactor<Command: Sendable>: Sendable {
    private struct Inbox {
        var commands: [Command] = []
        /// Parts of tasks that prefer this thread.
        var jobs: [UnownedJob] = []
        var isSleeping = false
        var isClosed = false
        var isOver = false
        var finish: [CheckedContinuation<Void, Never>] = []
    }

    private let inbox = Mutex(Inbox())
    /// Callers between their decision to wake the thread and having done so; the pipe stays open for them.
    private let wakers = Atomic(0)
    /// `nil` when there was none left; then the reactor is closed from the start.
    private let pipe = WakePipe()

    /// Starts the thread.
    ///
    /// When the process has no descriptor or thread left, the reactor is closed from the start: every command is refused.
    ///
    /// - Parameter makeCore: called once, on the thread.
    init(makeCore: @escaping @Sendable (PQReactor<Command>, EventPoll) -> any ReactorCore<Command>) {
        guard let pipe else {
            close()
            return
        }
        guard !OwnThread.start({ self.run(makeCore, pipe) }) else { return }
        pipe.close()
        close()
    }

    private func close() {
        inbox.withLock { inbox in
            inbox.isClosed = true
            inbox.isOver = true
        }
    }

    /// Hands a command to the thread; false when the thread is over, and the caller must answer itself.
    func post(_ command: Command) -> Bool {
        put { $0.commands.append(command) }
    }

    /// Puts something in the inbox and wakes the thread if it sleeps; false when the thread is over.
    private func put(_ add: (inout Inbox) -> Void) -> Bool {
        let (isTaken, mustWake) = inbox.withLock { inbox in
            guard !inbox.isClosed else { return (false, false) }
            add(&inbox)
            guard inbox.isSleeping else { return (true, false) }
            inbox.isSleeping = false
            wakers.add(1, ordering: .relaxed)
            return (true, true)
        }
        if mustWake {
            // Outside the lock: the thread that wakes up takes it at once.
            pipe?.wake()
            wakers.subtract(1, ordering: .releasing)
        }
        return isTaken
    }

    /// Returns once the thread has closed everything, descriptors included.
    func finished() async {
        await withCheckedContinuation { continuation in
            let isOver = inbox.withLock { inbox in
                if !inbox.isOver { inbox.finish.append(continuation) }
                return inbox.isOver
            }
            if isOver { continuation.resume() }
        }
    }

    /// The thread's whole life.
    private func run(_ makeCore: (PQReactor<Command>, EventPoll) -> any ReactorCore<Command>, _ pipe: WakePipe) {
        serve(makeCore, pipe)
        // Every connection died with `serve`; the pipe holds the last descriptors. Nobody begins to write to it any
        // more, because `post` decides that while the inbox is open; who began earlier is done within microseconds.
        while wakers.load(ordering: .acquiring) > 0 { sched_yield() }
        pipe.close()
        let waiting = inbox.withLock { inbox in
            inbox.isOver = true
            return inbox.finish
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Serves until the core is finished, then answers the commands that came too late.
    private func serve(_ makeCore: (PQReactor<Command>, EventPoll) -> any ReactorCore<Command>, _ pipe: WakePipe) {
        let poll = EventPoll()
        let core = makeCore(self, poll)
        poll.watch(pipe.reader, for: 0, writing: false)
        var events: [EventPoll.Event] = []
        var commands: [Command] = []
        var jobs: [UnownedJob] = []
        while !core.isFinished {
            poll.wait(milliseconds: pause(before: core.nextDeadline), into: &events)
            for event in events where event.id != 0 { core.ready(event) }
            if events.contains(where: { $0.id == 0 }) { pipe.drain() }
            take(&commands, &jobs)
            for command in commands { core.receive(command) }
            for job in jobs { unsafe job.runSynchronously(on: asUnownedTaskExecutor()) }
            if let deadline = core.nextDeadline {
                let now = Tick.now()
                if deadline <= now { core.tick(now) }
            }
        }
        refuseFromNowOn(&commands, &jobs)
        for command in commands { core.refuse(command) }
        for job in jobs { globalConcurrentExecutor.enqueue(job) }
    }

    /// How long to wait for events: not at all when commands came meanwhile, else until the deadline.
    private func pause(before deadline: Tick?) -> Int32 {
        let isIdle = inbox.withLock { inbox in
            inbox.isSleeping = inbox.commands.isEmpty && inbox.jobs.isEmpty
            return inbox.isSleeping
        }
        guard isIdle else { return 0 }
        guard let deadline else { return -1 }
        return (deadline - Tick.now()).wholeMilliseconds
    }

    private func take(_ commands: inout [Command], _ jobs: inout [UnownedJob]) {
        commands.removeAll(keepingCapacity: true)
        jobs.removeAll(keepingCapacity: true)
        inbox.withLock { inbox in
            inbox.isSleeping = false
            swap(&inbox.commands, &commands)
            swap(&inbox.jobs, &jobs)
        }
    }

    private func refuseFromNowOn(_ commands: inout [Command], _ jobs: inout [UnownedJob]) {
        commands.removeAll()
        jobs.removeAll()
        inbox.withLock { inbox in
            inbox.isClosed = true
            swap(&inbox.commands, &commands)
            swap(&inbox.jobs, &jobs)
        }
    }
}

/// The thread runs the parts of tasks that prefer it between two waits for its sockets; once it is over, the concurrency
/// pool runs them.
extension PQReactor: TaskExecutor {
    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if !put({ $0.jobs.append(job) }) { globalConcurrentExecutor.enqueue(job) }
    }
}
