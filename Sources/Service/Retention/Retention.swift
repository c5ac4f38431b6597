import Domain
import LibPQ
import Logging
import Metrics
import ServiceLifecycle

/// Makes the partitions of raw bodies ahead, lets old bodies and old history go, and removes what is left of erased people.
///
/// Every replica tries, and one at a time works. Nothing here is ever in an append's way for longer than the functions'
/// `lock_timeout`; what does not get its lock is tried again, then left for the next hour. While nothing can be done bodies
/// go into the rest, so nothing is lost.
struct Retention: Service {
    /// How often is looked for what became due.
    static let interval: Duration = .seconds(3_600)
    /// How often is looked for erasures that other replicas, or commands, left unfinished.
    static let erasureInterval: Duration = .seconds(60)
    /// How long changes of sessions and commands stay: a timeline shows 31 days, and figures of the month before are still wanted
    /// then.
    static let changesKept: Duration = .seconds(92 * 86_400)
    /// Tries of a step that waits for a lock, and the pause between them.
    static let tries = 20
    static let pause: Duration = .milliseconds(250)
    /// Steps in one run: ten years of months, all due at once.
    static let stepLimit = 150
    /// Portions of ``PartitionStore/trimLimit`` bodies in one run, and of ``OldHistory/rowLimit`` rows.
    static let portionLimit = 500
    /// `lock_not_available`: somebody else uses the table.
    private static let lockNotAvailable = "55P03"

    private let store: PartitionStore
    private let history: OldHistory
    private let traces: ErasureTraces
    private let keep: Duration
    private let logger: Logger
    private let meters = RetentionMeters()

    /// `keep`: how long a raw body stays at least (`ROLLCALL_KEEP_BODIES`).
    init(pool: PQPool, keep: Duration, logger: Logger) {
        store = PartitionStore(pool: pool)
        history = OldHistory(pool: pool)
        traces = ErasureTraces(pool: pool)
        self.keep = keep
        self.logger = logger
    }

    func run() async throws {
        await BackgroundTasks.untilShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask {
                    while !Task.isCancelled {
                        await runOnce()
                        try? await Task.sleep(for: Self.interval)  // Cancelled: the loop ends.
                    }
                }
                group.addTask {
                    while !Task.isCancelled {
                        await erase()
                        try? await Task.sleep(for: Self.erasureInterval)  // Cancelled: the loop ends.
                    }
                }
            }
        }
    }

    /// Does everything that is due now.
    func runOnce() async {
        do {
            var isAlone = true
            var taken = 0
            while isAlone, taken < Self.stepLimit {
                let state = try await store.read()
                guard let step = RetentionPlan.due(state, keep: keep).first else { break }
                isAlone = try await take(step)
                taken += 1
            }
            if isAlone { try await trim() }
            for _ in 0..<Self.portionLimit {
                guard try await history.forget(keep: Self.changesKept) > 0 else { break }
            }
        } catch {
            meters.failed()
            logger.warning("what is old is kept for now", metadata: [LogKeys.error: "\(error)"])
        }
    }

    private func take(_ step: RetentionStep) async throws(PQError) -> Bool {
        var left = Self.tries
        while true {
            do throws(PQError) {
                let isDone = try await store.take(step, keep: keep)
                if isDone { tell(step) }
                return isDone
            } catch {
                left -= 1
                guard error.sqlState == Self.lockNotAvailable, left > 0 else { throw error }
                try? await Task.sleep(for: Self.pause)  // Cancelled: the next statement fails.
            }
        }
    }

    private func trim() async throws(PQError) {
        for _ in 0..<Self.portionLimit {
            guard let count = try await store.trim(keep: keep), count > 0 else { return }
            meters.trimmed(Int(count))
        }
    }

    private func tell(_ step: RetentionStep) {
        switch step {
        case .drop(let name):
            meters.dropped()
            logger.info("bodies dropped", metadata: [LogKeys.partition: "\(name)"])
        case .make, .setRestApart, .attach:
            logger.debug("bodies partitioned", metadata: [LogKeys.step: "\(step)"])
        }
    }

    private func erase() async {
        do {
            while try await traces.removeNext() { meters.erased() }
        } catch {
            meters.failed()
            logger.warning("an erasure waits", metadata: [LogKeys.error: "\(error)"])
        }
    }
}

/// What retention counts.
struct RetentionMeters: Sendable {
    private let drops = Counter(label: "body_partitions_dropped")
    private let trims = Counter(label: "bodies_trimmed")
    private let erasures = Counter(label: "erasures")
    private let failures = Counter(label: "retention_failures")

    func dropped() { drops.increment() }

    func trimmed(_ count: Int) { trims.increment(by: count) }

    func erased() { erasures.increment() }

    func failed() { failures.increment() }
}
