import LibPQ

/// What looks after held changes, and what tells the outside.
extension RollcallService {
    func guardKeeper(_ pools: Pools, _ freshness: FreshnessBook, wakes: any WakeBell) -> GuardKeeper {
        let directory = AgentDirectory(
            pool: pools.writers,
            policy: configuration.policy,
            rules: configuration.matchingRules,
            clock: configuration.clock,
            wakes: wakes
        )
        let desk = GuardDesk(directory, freshness: freshness, logger: logger)
        return GuardKeeper(pool: pools.writers, desk: desk, logger: logger)
    }

    /// `nil` when nobody is to be told.
    func alertSender(_ pools: Pools) -> AlertSender? {
        configuration.alerts.map { alerts in
            AlertSender(
                pool: pools.writers,
                configuration: alerts,
                redactor: configuration.redactor,
                clock: configuration.clock,
                logger: logger
            )
        }
    }
}
