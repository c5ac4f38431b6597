import Domain
import LibPQ
import Logging
import Synchronization

/// Walks through an account's instances again and again, so that drift nobody reported is found.
///
/// Agents on shift and the others are walked through separately, each in its own interval. A walk reads the fleet in
/// pages by primary key and spreads their looks evenly, so its cost is the same at any moment and nothing is kept per instance.
/// Where a round of all looks takes longer than an interval, the interval is as long as the round (``Freshness``): with nothing else
/// to do, sweeps use the whole budget. Whatever else is in line goes first (``CallLine``).
///
/// Where the engine can list its sessions, a walk begins with one list, and looks only at what that left out. When there is no
/// list, because the call failed or the engine has none, every instance is looked at.
struct Sweeper: Sendable {
    /// Instances in a page.
    static let pageLimit = 1000
    /// Looks and passes of an ordered sweep that may wait before the next page is read.
    static let aheadLimit = 500
    /// The shortest wait between two pages.
    static let shortestPause: Duration = .milliseconds(200)
    /// Until a page is read again that could not be.
    static let retryPause: Duration = .seconds(1)

    let worker: AccountWorker
    let store: any ReconcilerStore
    let leases: LeaseBook
    let policy: SweepPolicy
    let logger: Logger

    /// Sweeps while the task runs; pages are read only while the lease is held.
    func run() async {
        let rounds = WalkCounts()
        await withDiscardingTaskGroup { group in
            group.addTask { await walk(.running, rounds) }
            group.addTask { await walk(.stopped, rounds) }
            group.addTask { await probe() }
        }
    }

    /// An instance whose account was probed through it.
    private struct Probed {
        var desired = RunState.running
        var instance: Int64 = 0
    }

    /// Asks now and then whether an account that is refused still is; nothing else is read of it meanwhile.
    ///
    /// Each probe reads another instance: a read that fails for a reason of the session's own says nothing of the account.
    private func probe() async {
        var last = Probed()
        while !Task.isCancelled {
            try? await worker.clock.sleep(for: policy.probe)  // Cancelled: the loop ends.
            guard leases.isRefused(worker.account), leases.lease(of: worker.account) != nil else { continue }
            do {
                if let entry = try await nextToProbe(after: &last) { look(entry, priority: .sweep, run: nil) }
            } catch {
                logger.debug("probe not begun", metadata: [LogKeys.error: "\(error)"])
            }
        }
    }

    /// The instance after the one that was probed last, those that are to run first; after the last one the first again.
    private func nextToProbe(after last: inout Probed) async throws(PQError) -> SweepEntry? {
        let other: RunState = last.desired == .running ? .stopped : .running
        let places = [last, Probed(desired: other), Probed(desired: last.desired)]
        for place in places {
            guard let entry = try await page(place.desired, after: place.instance, limit: 1).first else { continue }
            last = Probed(desired: place.desired, instance: entry.instance)
            return entry
        }
        return nil
    }

    /// Reads every instance once, as fast as the account's budget allows.
    ///
    /// While a page cannot be read it is tried again, and who waits is told as far as it got. One that is broken off, by its task
    /// or since the lease is gone, leaves the run open, for it is not complete, and nobody waiting.
    func sweepOnce(_ run: SweepRun) async {
        var busy: [SweepEntry] = []
        var isWhole = false
        defer {
            for _ in busy { run.look(succeeded: false) }
            if isWhole { run.allExpected() } else { run.giveUp() }
        }
        let listed = await worker.list(priority: .repair)
        // Broken off while the list was on its way: without it everything would be looked at, for nobody.
        guard goesOn else { return }
        for desired in [RunState.running, .stopped] {
            var position: Int64 = 0
            while true {
                guard let page = await page(desired, after: position, for: run) else { return }
                guard let last = page.last else { break }
                run.expect(looks: page.count)
                for entry in page where !take(entry, from: listed, run: run) {
                    if !look(entry, priority: .repair, run: run) { busy.append(entry) }
                }
                position = last.instance
                await settle()
            }
        }
        await lookAgain(&busy, run)
        // Broken off with some left: they were not looked at, so the run stays open as well.
        isWhole = busy.isEmpty
    }

    /// Whether a sweep may go on: nobody broke it off, and the account is still this replica's.
    private var goesOn: Bool { !Task.isCancelled && leases.lease(of: worker.account) != nil }

    /// Reads a page for a sweep that somebody asked for, again and again; `nil` when that is broken off.
    private func page(_ desired: RunState, after position: Int64, for run: SweepRun) async -> [SweepEntry]? {
        var isTold = false
        while goesOn {
            do {
                return try await page(desired, after: position)
            } catch {
                // Cancelled, it is only that the replica stops.
                guard goesOn else { break }
                logger.log(
                    level: isTold ? .debug : .warning,
                    "sweep broken off until its page can be read",
                    metadata: [LogKeys.error: "\(error)"]
                )
                isTold = true
                run.giveUp()
                try? await worker.clock.sleep(for: Self.retryPause)  // Cancelled: the loop ends.
            }
        }
        return nil
    }

    /// Waits until few looks and passes are left in line.
    private func settle() async {
        var pause = PollPause()
        while worker.calls.lookCount > Self.aheadLimit || worker.passes.count > Self.aheadLimit, goesOn {
            try? await worker.clock.sleep(for: pause.next())  // Cancelled: what is in line is counted all the same.
        }
    }

    /// Looks at instances that had a look under way, which may have been sent before the sweep was asked for.
    ///
    /// What is still left in `entries` at the end was not looked at.
    private func lookAgain(_ entries: inout [SweepEntry], _ run: SweepRun) async {
        var pause = PollPause()
        while !entries.isEmpty, goesOn {
            try? await worker.clock.sleep(for: pause.next())  // Cancelled: the loop ends.
            guard goesOn else { return }
            entries.removeAll { look($0, priority: .repair, run: run) }
        }
    }

    /// One walk through the instances of which the same is desired.
    private struct Walk {
        /// The last instance of the page read last.
        var position: Int64 = 0
        /// How many instances there are to look at.
        var count = 0
        /// The instance that was put in line last.
        var last: Int64?
        var listed: ListedSessions?
    }

    private func walk(_ desired: RunState, _ rounds: WalkCounts) async {
        var walk = Walk()
        while !Task.isCancelled {
            guard leases.mayAct(for: worker.account) else {
                walk = Walk()
                await leases.untilMayAct(for: worker.account)
                continue
            }
            do {
                if walk.position == 0 { walk = try await begin(desired) }
                rounds.set(walk.count, of: desired)
                let looks = try await step(&walk, desired)
                let pause = freshness(rounds).pause(
                    after: looks,
                    of: walk.count,
                    desired: desired,
                    shortest: Self.shortestPause
                )
                try? await worker.clock.sleep(for: pause)  // Cancelled: the loop ends.
                await untilLooked(walk.last)
            } catch {
                logger.debug("sweep page not read", metadata: [LogKeys.error: "\(error)"])
                try? await worker.clock.sleep(for: Self.retryPause)  // As above.
            }
        }
    }

    /// How long a round of both walks takes with what may leave now.
    private func freshness(_ rounds: WalkCounts) -> Freshness {
        Freshness(
            onShift: policy.onShift,
            offShift: policy.offShift,
            instances: rounds.total,
            callsPerSecond: worker.calls.load.callsPerSecond
        )
    }

    /// Waits until a walk's last look is over, and so all before it: what goes first may have used the budget meanwhile.
    ///
    /// So no walk has more than a page in line, and none comes to an instance that still waits for the look before.
    private func untilLooked(_ last: Int64?) async {
        guard let last else { return }
        while worker.isLooking(at: last), !Task.isCancelled {
            try? await worker.clock.sleep(for: Self.shortestPause)  // Cancelled: the loop ends.
        }
    }

    /// Begins a walk: takes in what a list says, and counts what is left to look at.
    private func begin(_ desired: RunState) async throws(PQError) -> Walk {
        guard let listed = await worker.list(priority: .sweep) else {
            return Walk(count: try await count(desired))
        }
        var walk = Walk(listed: listed)
        var position: Int64 = 0
        while !Task.isCancelled {
            let page = try await page(desired, after: position)
            for entry in page where !take(entry, from: listed, run: nil) { walk.count += 1 }
            guard page.count == Self.pageLimit, let last = page.last else { break }
            position = last.instance
            await settle()
            try? await worker.clock.sleep(for: Self.shortestPause)  // Cancelled: the loop ends.
        }
        return walk
    }

    /// Looks at the next page's instances, but for those that were listed.
    ///
    /// Returns how many looks that makes.
    private func step(_ walk: inout Walk, _ desired: RunState) async throws(PQError) -> Int {
        guard walk.count > 0 else { return 0 }
        let page = try await page(desired, after: walk.position)
        var looks = 0
        for entry in page where walk.listed?.list.statuses[entry.address.instanceID] == nil {
            look(entry, priority: .sweep, run: nil)
            walk.last = entry.instance
            looks += 1
        }
        walk.position = page.count < Self.pageLimit ? 0 : page.last?.instance ?? 0
        return looks
    }

    /// Takes in what a list says about an instance; `false` when that is nothing.
    private func take(_ entry: SweepEntry, from listed: ListedSessions?, run: SweepRun?) -> Bool {
        guard let listed else { return false }
        let finding = listed.list.finding(
            for: entry.address.instanceID,
            stored: entry.reading,
            isSettled: entry.isSettled
        )
        return worker.take(finding, of: entry, sentAt: listed.sentAt, run: run)
    }

    @discardableResult
    private func look(_ entry: SweepEntry, priority: JobPriority, run: SweepRun?) -> Bool {
        worker.look(
            entry.instance,
            entry.address,
            priority: priority,
            expected: entry.isSettled ? entry.reading : nil,
            run: run
        )
    }

    private func page(
        _ desired: RunState,
        after position: Int64,
        limit: Int = pageLimit
    ) async throws(PQError) -> [SweepEntry] {
        try await store.page(worker.account, desired: desired, after: position, limit: limit)
    }

    /// How many looks a walk is about to make.
    private func count(_ desired: RunState) async throws(PQError) -> Int {
        try await store.count(worker.account, desired: desired)
    }
}

/// How many looks the walks of an account make in a round.
private final class WalkCounts: Sendable {
    private let counts = Mutex<[RunState: Int]>([:])

    var total: Int { counts.withLock { $0.values.reduce(0, +) } }

    func set(_ count: Int, of desired: RunState) {
        counts.withLock { $0[desired] = count }
    }
}
