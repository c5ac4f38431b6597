package import Domain
package import LibPQ
package import Logging

/// What the routes outside the hot path need.
package struct ManagementDependencies: Sendable {
    /// For changes.
    package var pool: PQPool
    /// For reads, so that they never keep changes waiting; may be the same.
    package var readPool: PQPool
    package var keyRing: KeyRing
    package var policy: ReconcilePolicy
    package var rules: MatchingRules
    package var clock: DatabaseClock
    package var wakes: any WakeBell
    package var freshness: FreshnessBook
    package var limits: BodyLimits
    package var logger: Logger
    /// Finds the caller of a request that comes with the page's cookie.
    package var session: Authenticate.SessionLookup?
    package var sources: [ConfiguredSource]
    /// Knows the settings' secrets.
    package var redactor: Redactor
    /// An event this far ahead counts as now.
    package var clockSkew: Duration
    /// Where large deliveries are read.
    package var room: ReadingRoom
    /// Asks engines for what pairs a session; `nil` where nothing calls engines.
    let pairing: PairingDesk?
    /// One count for all who show it.
    let unmatchedCount: UnmatchedCount
    /// Figures that many look at.
    let statsReads: StatsReads
    /// One count of all agents for the routes, the page and the streams.
    let summaries: SummaryReads

    /// `reconciler`: calls the engines; without one nothing is paired.
    package init(
        pool: PQPool,
        readPool: PQPool,
        keyRing: KeyRing,
        policy: ReconcilePolicy,
        rules: MatchingRules,
        clock: DatabaseClock,
        wakes: any WakeBell,
        freshness: FreshnessBook,
        limits: BodyLimits,
        logger: Logger,
        session: Authenticate.SessionLookup? = nil,
        sources: [ConfiguredSource] = [],
        redactor: Redactor = Redactor(),
        clockSkew: Duration = .seconds(2),
        room: ReadingRoom = ReadingRoom(),
        reconciler: Reconciler? = nil
    ) {
        self.pool = pool
        self.readPool = readPool
        self.keyRing = keyRing
        self.policy = policy
        self.rules = rules
        self.clock = clock
        self.wakes = wakes
        self.freshness = freshness
        self.limits = limits
        self.logger = logger
        self.session = session
        self.sources = sources
        self.redactor = redactor
        self.clockSkew = clockSkew
        self.room = room
        pairing = reconciler.map { PairingDesk(reconciler: $0, pool: pool, clock: clock) }
        unmatchedCount = UnmatchedCount(pool: readPool)
        statsReads = StatsReads(pool: readPool, freshness: freshness)
        summaries = SummaryReads(pool: readPool, freshness: freshness, clock: clock)
    }

    /// Reads of agents, for these routes and the page.
    package var reads: AgentReads {
        AgentReads(pool: readPool, freshness: freshness, breakAction: policy.breakAction, clock: clock)
    }

    var sourceReads: SourceReads {
        SourceReads(pool: readPool, configured: sources, unmatched: unmatchedCount)
    }

    var incidents: IncidentReads { IncidentReads(pool: readPool, freshness: freshness, clock: clock) }

    var deliveryReads: DeliveryReads { DeliveryReads(pool: readPool, redactor: BodyRedactor(redactor)) }

    var explanations: ExplanationReads {
        ExplanationReads(pool: readPool, freshness: freshness, breakAction: policy.breakAction, clock: clock)
    }

    /// Names that are nobody's, for these routes and the page.
    var unmatchedNames: UnmatchedNames { UnmatchedNames(pool: readPool, policy: policy, clock: clock) }

    /// Changes of the map of agents.
    package var directory: AgentDirectory {
        AgentDirectory(pool: pool, policy: policy, rules: rules, clock: clock, wakes: wakes)
    }

    var erasures: PersonErasure {
        PersonErasure(pool: pool, policy: policy, rules: rules, clock: clock, wakes: wakes, freshness: freshness)
    }

    var orders: AgentOrders {
        AgentOrders(pool: pool, policy: policy, rules: rules, clock: clock, wakes: wakes, freshness: freshness)
    }
}
