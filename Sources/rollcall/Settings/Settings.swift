package import ClockSources
package import Domain
package import Engines
package import Logging
package import Service

/// Everything an operator can set, read and checked.
package struct Settings: Sendable {
    /// An address to listen on.
    package struct Listener: Sendable, Hashable {
        package var host: String
        /// 0 to 65535.
        package var port: Int
        /// Whether the port was set by somebody; a default one that is taken can be done without.
        package var isPortChosen: Bool
    }

    /// `nil` while `serve --embedded` brings the database.
    package var databaseURL: String?
    /// The most connections of this process.
    package var databaseConnections: Int
    /// Whom to tell of incidents; `nil` for nobody.
    package var alerts: AlertSettings?
    /// Whether `serve` applies pending migrations.
    package var migrates: Bool
    package var http: Listener
    /// `nil` when metrics are off.
    package var metrics: Listener?
    /// What senders and browsers use to reach us, without a slash at its end.
    package var publicURL: String?
    /// The proxies whose word counts for where a sign-in comes from.
    package var trustedProxies = TrustedProxies.loopback
    package var bootstrapAdminKey: String?
    /// At least one for `serve`.
    package var engines: [EngineAccountSettings]
    package var sources: [ClockSourceSettings]
    /// The limits of the decision but ``ReconcilePolicy/callTimeout``, which is each account's own; see ``policy(for:)``.
    package var policy: ReconcilePolicy
    /// How often an instance on shift is looked at.
    package var sweepInterval: Duration
    /// How often an instance off shift is looked at.
    package var offShiftSweepInterval: Duration
    /// How long raw deliveries stay.
    package var keepBodies: Duration
    /// An event this far ahead counts as now.
    package var clockSkew: Duration
    package var logLevel: Logger.Level
    /// What `check-config` prints.
    package var report: SettingsReport
    /// Things worth a line in the log at boot.
    package var notices: [String]
    /// Every secret, for the log's redaction.
    package var secrets: [String]

    /// The decision's limits for an account.
    package func policy(for account: EngineAccountSettings) -> ReconcilePolicy {
        var policy = policy
        policy.callTimeout = account.timeout
        return policy
    }
}

/// One base URL and credential of a session engine.
package struct EngineAccountSettings: Sendable, Hashable {
    package var name: String
    package var kind: EngineKind
    /// Without what the kind's calls begin with and without a slash at its end.
    package var url: String
    package var token: String
    /// Where the token goes in a call.
    package var tokenPlacement: EngineAccount.TokenPlacement
    package var callsPerSecond: Int
    /// The most calls at a time.
    package var concurrency: Int
    /// How long one call may take.
    package var timeout: Duration
    /// Proves the engine's own webhooks; without it none is believed.
    package var webhookSecret: String?
}

/// One configured clock source.
package struct ClockSourceSettings: Sendable {
    /// What its adapter needs to know.
    package var reading: SourceSettings
    package var limits: SourceLimits
    /// How long it may send nothing genuine before that is an incident; zero for ever.
    package var silence: Duration
    /// How to reach the sender's API; only for kinds whose deliveries name records without saying what is in them.
    package var api: SourceAPISettings?
}

/// The API of a sender whose deliveries only name records, and an OAuth client that may read there.
package struct SourceAPISettings: Sendable, Hashable {
    /// Without a slash at its end.
    package var url: String
    package var clientID: String
    package var clientSecret: String
}
