import Domain
import LibPQ
import Logging
import ServiceLifecycle
import Synchronization

/// Looks after what the guard holds: drops what nobody decided on in time, lets clock events through, and carries out what was
/// approved where the request that approved it could not.
///
/// At rest one small statement each ``interval`` and one each ``settledPause``; every replica has one, and what they do is the
/// same whoever does it.
final class GuardKeeper: Service {
    static let interval: Duration = .seconds(30)
    /// Between two looks at a setting that replicas do not agree on yet.
    static let settingPause: Duration = .seconds(2)
    /// Between the two looks that have to find the same before a setting is asked for or taken back: within it every replica that
    /// reaches the database again is heard.
    static let secondLookPause: Duration = .seconds(10)
    /// Between two looks at one that they agree on: a replica that starts with another looks at it itself.
    static let settledPause: Duration = .seconds(60)
    /// The least time between two rounds, however often it is nudged.
    static let pause: Duration = .seconds(1)

    private let pool: PQPool
    private let desk: GuardDesk
    private let logger: Logger
    private let mayClock = Atomic(false)
    private let rounds: AsyncStream<Void>
    private let round: AsyncStream<Void>.Continuation

    init(pool: PQPool, desk: GuardDesk, logger: Logger) {
        self.pool = pool
        self.desk = desk
        self.logger = logger
        (rounds, round) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Clock events were taken: if an agent's first session waits, this may let it have it.
    func clocked() {
        if mayClock.load(ordering: .relaxed) { round.yield() }
    }

    func run() async throws {
        await BackgroundTasks.untilShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask {
                    while !Task.isCancelled {
                        self.round.yield()
                        try? await Task.sleep(for: Self.interval)  // Cancelled: the loop ends.
                    }
                }
                group.addTask { await self.tendSetting() }
                group.addTask {
                    for await _ in self.rounds {
                        await self.tend()
                        try? await Task.sleep(for: Self.pause)  // Cancelled: the loop ends.
                    }
                }
            }
        }
    }

    /// Brings this replica's setting into force, and sees to it that it stays so: others are started with other settings.
    private func tendSetting() async {
        var before: SettingStep?
        var told: SettingStep?
        while !Task.isCancelled {
            var pause = Self.settingPause
            do {
                let standing = try await desk.settings.tend(after: before)
                before = standing.step
                if !standing.mayChange { pause = Self.settledPause }
                if standing.step.needsSecondLook { pause = Self.secondLookPause }
                if standing.step != told { tell(standing.step) }
                told = standing.step
            } catch {
                before = nil
                logger.warning("setting not looked after", metadata: [LogKeys.error: "\(error)"])
            }
            try? await Task.sleep(for: pause)  // Cancelled: the loop ends.
        }
    }

    private func tell(_ step: SettingStep) {
        let metadata: Logger.Metadata = [LogKeys.setting: "ROLLCALL_BREAK_ACTION"]
        switch step {
        case .inForce: logger.debug("the setting is in force", metadata: metadata)
        case .ask, .withdraw: logger.debug("all replicas have the setting: looking once more", metadata: metadata)
        case .unsettled:
            logger.warning("no setting is in force while replicas of an earlier release live", metadata: metadata)
        case .disagreed:
            logger.warning("replicas have different settings, so the one in force goes on", metadata: metadata)
        case .waits:
            logger.warning(
                "the setting would change what is desired of many sessions: it waits until somebody approves or refuses it",
                metadata: metadata
            )
        case .refused:
            logger.warning("somebody refused the setting, so the one in force goes on", metadata: metadata)
        }
    }

    /// One round.
    func tend() async {
        do {
            let row = try await pool.query(GuardDueStatements.isAnything)[0]
            mayClock.store(try row.column("may_clock", as: Bool.self), ordering: .relaxed)
            guard try row.column("waits", as: Bool.self) || row.column("is_due", as: Bool.self) else { return }
            _ = try await pool.pipeline(GuardDueStatements.tend)
            try await desk.carryOut()
        } catch {
            logger.warning("held changes not looked after", metadata: [LogKeys.error: "\(error)"])
        }
    }
}
