package import Domain

/// Everything the service is made of that its caller decides.
package struct RollcallConfiguration: Sendable {
    /// libpq's connection string.
    package var databaseURL: String
    /// The most connections of this process, 4 or more; shared out among writers, readers and the rest.
    package var databaseConnections: Int
    package var migrates: Bool
    package var host: String
    /// 0 for any that is free.
    package var port: Int
    /// What senders and browsers use to reach us.
    package var publicURL: String?
    package var bootstrapAdminKey: String?
    package var accounts: [AccountSettings]
    /// Webhook secrets by account; an account without one takes no webhooks.
    package var webhookSecrets: [String: String]
    package var sources: [ConfiguredSource]
    package var policy: ReconcilePolicy
    package var sweep: SweepPolicy
    package var clockSkew: Duration
    /// How long raw bodies stay at least.
    package var keepBodies: Duration = .seconds(90 * 86_400)
    /// How long a writing transaction may be left without a statement; longer only where our part of it is slowed down.
    package var idleInTransactionTimeout = Pools.idleInTransactionTimeout
    /// How much a request's body may be, and how long it may take.
    package var bodyLimits = BodyLimits()
    /// Requests that may wait for convergence at a time.
    package var waitingLimit = ConvergenceWaiters.usualLimit
    /// What time it is; another than a new one only where deliveries of another day are played.
    package var clock = DatabaseClock()
    /// The proxies whose word counts for where a sign-in comes from.
    package var trustedProxies = TrustedProxies.loopback
    /// Knows the settings' secrets, for what is shown of deliveries.
    package var redactor = Redactor()
    /// Whom to tell of incidents; `nil` for nobody.
    package var alerts: AlertConfiguration?
    package var release: String
    package var crashPoints: CrashPoints

    package init(
        databaseURL: String,
        databaseConnections: Int = 12,
        migrates: Bool = true,
        host: String = "127.0.0.1",
        port: Int = 8080,
        publicURL: String? = nil,
        bootstrapAdminKey: String? = nil,
        accounts: [AccountSettings],
        webhookSecrets: [String: String] = [:],
        sources: [ConfiguredSource] = [],
        policy: ReconcilePolicy = ReconcilePolicy(),
        sweep: SweepPolicy = SweepPolicy(),
        clockSkew: Duration = .seconds(2),
        release: String = "dev",
        crashPoints: CrashPoints = CrashPoints()
    ) {
        self.databaseURL = databaseURL
        self.databaseConnections = databaseConnections
        self.migrates = migrates
        self.host = host
        self.port = port
        self.publicURL = publicURL
        self.bootstrapAdminKey = bootstrapAdminKey
        self.accounts = accounts
        self.webhookSecrets = webhookSecrets
        self.sources = sources
        self.policy = policy
        self.sweep = sweep
        self.clockSkew = clockSkew
        self.release = release
        self.crashPoints = crashPoints
    }
}

extension RollcallConfiguration {
    /// Which of the configured sources' events match agents without an alias.
    var matchingRules: MatchingRules {
        MatchingRules(sources: Dictionary(sources.map { ($0.name, $0.matchesAgentID) }) { first, _ in first })
    }
}
