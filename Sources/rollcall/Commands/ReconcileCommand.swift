import ArgumentParser
import Domain
import FoundationEssentials
import Logging
import Service
import ServiceLifecycle
import Synchronization
import UnixSignals

/// `rollcall reconcile`: brings sessions in step without serving, for when the service is down.
struct ReconcileCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reconcile",
        abstract: "Bring sessions in step without serving events or pages.",
        discussion: """
            Reconciles until it is told to stop; with --once it takes the leases, does what is due, looks at every session \
            once, repairs what it finds, and gives the leases back. While a running replica acts for an account it says so \
            and does nothing: that replica reconciles already. Exit 1 then, and when a session could not be looked at or the \
            pass came to no end. \
            With --dry-run it calls no engine and writes nothing, whoever runs: it prints what would be done by what is \
            stored; exit 1 when a command would be sent.
            """
    )

    @OptionGroup var options: SettingsOptions

    @Flag(help: "One pass over everything, then exit.")
    var once = false

    @Flag(help: "Only say what would be done.")
    var dryRun = false

    @Option(help: "With --once: the longest it may take, in seconds; what is not done by then stays in line.")
    var wait = 600

    @Flag(help: "Print JSON; with --once or --dry-run.")
    var json = false

    func validate() throws {
        guard (1...86_400).contains(wait) else { throw ValidationError("--wait: 1 to 86400") }
        guard !json || once || dryRun else { throw ValidationError("--json goes with --once or --dry-run") }
    }

    func run() async throws {
        try await DatabaseCommand.run(options, for: .serve(embedded: false)) { settings, pools, clock, logger in
            let composition = try Composition(settings)
            let configuration = composition.configuration(databaseURL: try settings.requireDatabase())
            do {
                if dryRun {
                    try await preview(configuration, pools, clock)
                } else {
                    let reconciler = LoneReconciler(configuration, pools: pools, clock: clock, logger: logger)
                    try await refuseBesideOthers(reconciler)
                    try await act(reconciler, configuration.accounts.map(\.name), logger)
                }
            } catch {
                await composition.shutdown()
                throw error
            }
            await composition.shutdown()
        }
    }

    /// Two of us would only take turns; the one that runs is asked instead.
    private func refuseBesideOthers(_ reconciler: LoneReconciler) async throws {
        let holders = try await reconciler.holders()
        for holder in holders {
            Terminal.complain(
                """
                \(holder.account): the running replica \(holder.replica.uuidString.lowercased()) (release \
                \(holder.release), last seen \(holder.seenAt.rfc3339)) acts for it. Ask it with \
                POST /v1/engines/\(holder.account)/sweep, or stop it first; of one that died the lease ends in seconds.
                """
            )
        }
        if !holders.isEmpty { throw Ending.foundWrong }
    }

    private func act(_ reconciler: LoneReconciler, _ accounts: [String], _ logger: Logger) async throws {
        guard once else {
            Terminal.say("reconciling until stopped")
            return try await InterruptibleWork.untilStopped(logger) { try await reconciler.untilStopped() }
        }
        let limit = Duration.seconds(wait)
        let found = Mutex<[LoneReconciler.Outcome]>([])
        try await InterruptibleWork.untilStopped(logger) {
            let outcomes = try await reconciler.once(limit: limit)
            found.withLock { $0 = outcomes }
        }
        let outcomes = found.withLock { $0 }
        let missing = accounts.filter { name in !outcomes.contains { $0.account == name } }
        say(outcomes)
        for account in missing { Terminal.complain("\(account): its lease did not come, or the database failed") }
        let isFine = missing.isEmpty && outcomes.allSatisfy { $0.isComplete && $0.unread == 0 }
        if !isFine { throw Ending.foundWrong }
    }

    private func say(_ outcomes: [LoneReconciler.Outcome]) {
        guard json else {
            for outcome in outcomes {
                Terminal.say(
                    "\(outcome.account): \(outcome.instances) sessions, \(outcome.read) read, \(outcome.unread) not "
                        + "readable, \(outcome.drifted) not as they should be, \(outcome.repaired) repairs sent, "
                        + "\(outcome.deferred) deferred" + (outcome.isComplete ? "" : ", not complete")
                )
            }
            return
        }
        let items = outcomes.map { outcome in
            "{\"account\":\(JSONText.quoted(outcome.account)),\"complete\":\(outcome.isComplete),"
                + "\"instances\":\(outcome.instances),\"read\":\(outcome.read),\"unread\":\(outcome.unread),"
                + "\"drifted\":\(outcome.drifted),\"repaired\":\(outcome.repaired),\"deferred\":\(outcome.deferred)}"
        }
        Terminal.say("{\"accounts\":[\(items.joined(separator: ","))]}")
    }

    private func preview(
        _ configuration: RollcallConfiguration,
        _ pools: Pools,
        _ clock: DatabaseClock
    ) async throws {
        let preview = ReconcilePreview(
            pool: pools.readers,
            accounts: configuration.accounts,
            policy: configuration.policy,
            clock: clock
        )
        var isFirst = true
        let counts = try await preview.run { item in
            Terminal.say(json ? (isFirst ? "{\"items\":[" : ",") + item.json : item.line)
            isFirst = false
        }
        if json {
            Terminal.say(
                (isFirst ? "{\"items\":[" : "") + "],\"instances\":\(counts.instances),\"commands\":\(counts.commands),"
                    + "\"looks\":\(counts.looks)}"
            )
        } else {
            Terminal.say(
                "\(counts.instances) sessions: \(counts.commands) commands would be sent, \(counts.looks) looked at first"
            )
        }
        if counts.commands > 0 { throw Ending.foundWrong }
    }
}

extension ReconcilePreview.Item {
    /// What is done, to whom, and why, for a person.
    fileprivate var line: String {
        [
            action?.rawValue ?? "look", agentID ?? "(retired)", "\(account)/\(instanceID)", condition.rawValue,
            reason.rawValue,
        ].joined(separator: "  ")
    }

    fileprivate var json: String {
        "{\"action\":\"\(action?.rawValue ?? "look")\",\"agent_id\":\(agentID.map(JSONText.quoted) ?? "null"),"
            + "\"account\":\(JSONText.quoted(account)),\"instance_id\":\(JSONText.quoted(instanceID)),"
            + "\"condition\":\"\(condition.rawValue)\",\"reason\":\"\(reason.rawValue)\"}"
    }
}

/// Work of a command that ends early, and in order, when the process is told to stop.
private struct InterruptibleWork: ServiceLifecycle.Service {
    let body: @Sendable () async throws -> Void

    func run() async throws { try await body() }

    static func untilStopped(_ logger: Logger, _ body: @escaping @Sendable () async throws -> Void) async throws {
        let group = ServiceGroup(
            configuration: .init(
                services: [.init(service: Self(body: body), successTerminationBehavior: .gracefullyShutdownGroup)],
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: logger
            )
        )
        try await group.run()
    }
}
