import Synchronization

/// Sweeps that somebody asks for, each for as long as it takes.
///
/// Who asked waits only so long. Then the sweep goes on, one of an account at a time: where one goes on already, another that nobody
/// waits for any more is broken off, and a whole one follows the first. So every instance is looked at after each was asked for,
/// and however often somebody asks and leaves, no more than one goes on.
final class AskedSweeps: Sendable {
    /// Looks at every instance of an account, and counts in the run.
    typealias Body = @Sendable (SweepRun) async -> Void

    private struct State {
        var number = 0
        var tasks: [Int: Task<Void, Never>] = [:]
        /// By account.
        var late: [Int32: Late] = [:]
        var isClosed = false
    }

    /// A sweep that goes on and nobody waits for.
    private struct Late {
        var number: Int
        /// The whole one that is to follow it.
        var next: Body?
    }

    private let state = Mutex(State())
    private let clock: DatabaseClock

    init(clock: DatabaseClock) {
        self.clock = clock
    }

    /// Sweeps an account, and waits for it: for so long, and until the task is cancelled at most.
    func sweep(_ account: Int32, wait: Duration, _ body: @escaping Body) async -> SweepRun {
        let run = SweepRun()
        guard let number = begin(run, body) else { return run }
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                await run.wait()
                return true
            }
            group.addTask {
                try? await self.clock.sleep(for: wait)  // Cancelled: the sweep was over first.
                return false
            }
            if await group.next() == false { run.giveUp() }
            group.cancelAll()
        }
        if !run.isOver { leave(number, of: account, body) }
        return run
    }

    /// Breaks every sweep off and waits for its end; none begins any more.
    func close() async {
        let tasks = state.withLock { state in
            state.isClosed = true
            return state.tasks.values.map(\.self)
        }
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
    }

    /// Returns `nil` when none begins any more.
    private func begin(_ run: SweepRun, _ body: @escaping Body) -> Int? {
        state.withLock { Self.begin(&$0, run, body, onEnd: ended) }
    }

    private static func begin(
        _ state: inout State,
        _ run: SweepRun,
        _ body: @escaping Body,
        onEnd: @escaping @Sendable (Int) -> Void
    ) -> Int? {
        guard !state.isClosed else { return nil }
        state.number += 1
        let number = state.number
        state.tasks[number] = Task {
            await body(run)
            onEnd(number)
        }
        return number
    }

    private func leave(_ number: Int, of account: Int32, _ body: @escaping Body) {
        state.withLock { state in
            guard let task = state.tasks[number] else { return }
            if state.late[account] == nil {
                state.late[account] = Late(number: number)
            } else {
                state.late[account]?.next = body
                task.cancel()
            }
        }
    }

    private func ended(_ number: Int) {
        state.withLock { state in
            state.tasks[number] = nil
            guard let (account, late) = state.late.first(where: { $0.value.number == number }) else { return }
            state.late[account] = nil
            guard let next = late.next, let follower = Self.begin(&state, SweepRun(), next, onEnd: ended) else {
                return
            }
            state.late[account] = Late(number: follower)
        }
    }
}
