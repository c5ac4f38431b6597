package import Domain
import FoundationEssentials
import Logging
import ServiceLifecycle

/// One engine account as the reconciler needs it.
package struct AccountSettings: Sendable {
    /// As in `ROLLCALL_ENGINES`.
    package var name: String
    package var engine: any SessionEngine
    /// Never exceeded in any second.
    package var callsPerSecond: Int
    /// Calls under way at a time.
    package var concurrency: Int
    /// The longest a call takes before its outcome counts as unknown.
    package var timeout: Duration
    /// Where the tasks that make the calls run; `nil` for the concurrency pool.
    package var executor: (any TaskExecutor)?
    /// How the engine signs its webhooks; `nil` for one that does not.
    package var webhookSignature: WebhookSignature?

    package init(
        name: String,
        engine: any SessionEngine,
        callsPerSecond: Int,
        concurrency: Int,
        timeout: Duration,
        executor: (any TaskExecutor)? = nil,
        webhookSignature: WebhookSignature? = nil
    ) {
        self.name = name
        self.engine = engine
        self.callsPerSecond = callsPerSecond
        self.concurrency = concurrency
        self.timeout = timeout
        self.executor = executor
        self.webhookSignature = webhookSignature
    }
}

/// What every worker shares.
struct ReconcilerDependencies: Sendable {
    var store: any ReconcilerStore
    var leases: LeaseBook
    var policy: ReconcilePolicy
    var sweep: SweepPolicy
    var clock: DatabaseClock
    var incidents: IncidentLog
    var channel: WakeChannel
    var crashPoints: CrashPoints
    var transactionTimeout: Duration
    var logger: Logger
    /// Sweeps that replicas order from each other; `nil` where they cannot.
    var orders: SweepOrders?
    /// Names this run of the process.
    var replica = UUID()
    var decider: Decider = decide
    /// Returns once the service is told to stop, or the task is cancelled.
    var untilStopped: @Sendable () async -> Void = { try? await gracefulShutdown() }
}

/// How often instances are looked at that nothing is due for.
package struct SweepPolicy: Sendable, Hashable {
    /// Of agents on shift (`ROLLCALL_SWEEP_INTERVAL`).
    package var onShift: Duration
    /// Of the others (`ROLLCALL_OFF_SHIFT_SWEEP_INTERVAL`).
    package var offShift: Duration
    /// Without a sign of life of an engine for so long it is asked, at most this often.
    package var quiet: Duration
    /// How often an account whose credential is refused is probed, by one read.
    package var probe: Duration

    package init(
        onShift: Duration = .seconds(20),
        offShift: Duration = .seconds(60),
        quiet: Duration = .seconds(5),
        probe: Duration = .seconds(60)
    ) {
        self.onShift = onShift
        self.offShift = offShift
        self.quiet = quiet
        self.probe = probe
    }
}
