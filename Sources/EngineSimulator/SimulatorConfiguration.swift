package import Domain

/// How a simulator is set up; what an admin route may change later is in ``SimulatorBehaviour``.
package struct SimulatorConfiguration: Sendable {
    /// A session that exists from the start, and again after a reset.
    package struct Seed: Sendable {
        package var instanceID: String
        /// The name that replies and webhooks carry.
        package var sessionName: String
        package var status: SessionStatus
        /// Whether a telephone is linked; without, a start ends in SCAN_QR_CODE.
        package var isPaired: Bool

        package init(
            instanceID: String,
            sessionName: String,
            status: SessionStatus = .stopped,
            isPaired: Bool = true
        ) {
            self.instanceID = instanceID
            self.sessionName = sessionName
            self.status = status
            self.isPaired = isPaired
        }
    }

    /// Where to listen; loopback unless told otherwise, for the admin routes ask for no credential.
    package var host = "127.0.0.1"
    /// 0 lets the system choose; the port is told once the server runs.
    package var port = 8091
    /// Tokens that are valid.
    package var tokens: Set<String> = ["tok_valid_0001"]
    /// Simulated seconds per real one; 0 stands still until `/_sim/clock` moves it.
    package var speed = 1.0
    /// The simulated instant it begins with; `nil` for the machine's.
    package var start: Timestamp?
    /// Decides boot times and everything else drawn by lot; the same seed gives the same run.
    package var seed: UInt64 = 1
    /// How long STARTING lasts, drawn evenly; simulated.
    package var bootTime: ClosedRange<Duration> = .seconds(2) ... .seconds(8)
    /// How long the answer to a stop takes, and the stop inside a restart; simulated.
    ///
    /// Source: WAHA 2024.10.8 sleeps 3 s after every stop.
    package var stopTime: Duration = .seconds(3)
    /// How long every answer takes besides; simulated.
    package var latency: Duration = .zero
    /// A new QR comes this often while SCAN_QR_CODE lasts, and with it a webhook; simulated.
    ///
    /// Not under WAHA's contract, which says how long its codes last (``World/scheduleNextCode(_:after:)``).
    ///
    /// Source: Wawp, info: 20 to 40 s.
    package var qrLife: Duration = .seconds(30)
    /// What the QR routes show, Base64 of a PNG.
    package var qrImage = "iVBORw0KGgo="
    /// Whether the QR routes show a picture for people's eyes instead, another one in each life.
    package var drawsPictures = false
    /// Calls that the log keeps; older ones only count.
    package var callLogLimit = 100_000
    package var sessions: [Seed] = []
    package var behaviour = SimulatorBehaviour()
    package var webhooks = WebhookSettings()

    package init() {}

    /// Which of several valid tokens this is, in their alphabetical order; `nil` for another, or where there is but one.
    func caller(_ token: String?) -> Int? {
        guard tokens.count > 1, let token else { return nil }
        return tokens.sorted().firstIndex(of: token)
    }
}
