import Domain

/// One session as the engine sees it.
///
/// What will happen to it is written down as steps with their times and takes place when somebody
/// looks, so ten thousand booting sessions cost nothing while nobody does.
struct SimulatedSession {
    /// A change that will come by itself; one to STARTING begins a boot of its own.
    struct Step: Sendable {
        var at: Timestamp
        var status: SessionStatus
    }

    let instanceID: String
    var name: String
    var status: SessionStatus
    /// When the status began.
    var since: Timestamp
    var isPaired: Bool
    /// In order of time.
    var steps: [Step] = []
    /// Whose contract the first call spoke that named it; what becomes of codes that nobody scans is the engine's.
    var contract: Contract?
    /// How many codes it has shown since it began to ask for a scan.
    var codes = 0
    /// The last three statuses, oldest first, with when each began.
    var recent: [Step] = []
    /// When the last stop was acknowledged.
    var stoppedAt: Timestamp?
    /// How often it booted; part of what its next boot time is drawn from.
    var boots: UInt64 = 0
    /// What `/v2/session/webhook` or WAHA's configuration was given last.
    var webhooks: [JSONValue] = []
    /// Whose words that is in.
    var webhookContract = Contract.wawp
    /// The link a person may open to scan, and its end.
    var link: (token: String, expires: Timestamp)?
    /// The policy that `/v2/session/rate-limit` shows.
    var policy = "standard_policy"
    var telephone: String
    var pushName = "John Doe"

    init(seed: SimulatorConfiguration.Seed, now: Timestamp) {
        instanceID = seed.instanceID
        name = seed.sessionName
        status = seed.status
        since = now
        isPaired = seed.isPaired
        // The number of Wawp's example; no session here belongs to anybody.
        telephone = "201012345678"
    }

    /// Whether the session runs or tries to.
    var isRunning: Bool {
        switch status {
        case .stopped, .failed: false
        case .starting, .scanQRCode, .working, .suspect, .unknown: true
        }
    }
}
