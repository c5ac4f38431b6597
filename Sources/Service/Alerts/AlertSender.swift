import ClockSources
import Domain
import FoundationEssentials
import LibPQ
import Logging
import Metrics
import ServiceLifecycle
import Synchronization

/// Tells the outside of incidents and of agents on shift who cannot work, each once, and of their end, also where that is that the
/// agent is gone.
///
/// What has to be told are rows, so a crash forgets none; rows are taken with `SKIP LOCKED`, and right before each is sent it is
/// proved that nobody took it since, so one replica sends each. A notice keeps its id over all its tries, and so the receiver can
/// tell a repetition. At rest one statement each interval.
final class AlertSender: Service {
    /// The least time between two rounds, however often something wakes it, unless there is more to send.
    static let pause: Duration = .seconds(1)
    /// How much later than a retry is due it is looked for: the database's clock may go a little slower than this one.
    static let retryMargin: Duration = .milliseconds(50)

    private let pool: PQPool
    private let configuration: AlertConfiguration
    private let redactor: Redactor
    private let clock: DatabaseClock
    private let logger: Logger
    private let meters = AlertMeters()
    private let rounds: AsyncStream<Void>
    private let round: AsyncStream<Void>.Continuation
    /// When the first of what failed is due again; `nil` where nothing failed since the last time.
    private let retryAt = Mutex<ContinuousClock.Instant?>(nil)

    init(
        pool: PQPool,
        configuration: AlertConfiguration,
        redactor: Redactor,
        clock: DatabaseClock,
        logger: Logger
    ) {
        self.pool = pool
        self.configuration = configuration
        self.redactor = redactor
        self.clock = clock
        self.logger = logger
        (rounds, round) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Something happened that may have to be told.
    func wake() {
        round.yield()
    }

    func run() async throws {
        await BackgroundTasks.untilShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.ring() }
                group.addTask { await self.send() }
            }
        }
    }

    /// Wakes the sender once an interval, and when what failed is due again.
    private func ring() async {
        var roundAt = ContinuousClock.now
        while !Task.isCancelled {
            let now = ContinuousClock.now
            let isRetryDue = retryAt.withLock { retryAt in
                guard let due = retryAt, due <= now else { return false }
                retryAt = nil
                return true
            }
            if isRetryDue || now >= roundAt {
                roundAt = now + configuration.interval
                round.yield()
            }
            try? await Task.sleep(for: Self.pause)  // Cancelled: the loop ends.
        }
    }

    /// Looks for what is new and sends a portion of what is due, by turns: a receiver that hangs keeps nothing from being noticed.
    private func send() async {
        var page: Int64 = 0
        for await _ in rounds {
            do {
                let (next, isNew, isDue) = try await look(after: page)
                page = next ?? page
                if isNew || isDue, try await sendPortion() {
                    round.yield()
                    continue
                }
                // What is over by now has an end to tell.
                if isNew { round.yield() }
            } catch {
                logger.warning("the outside is not told for now", metadata: [LogKeys.error: "\(error)"])
            }
            try? await Task.sleep(for: Self.pause)  // Cancelled: the loop ends.
        }
    }

    /// Notes what is new.
    ///
    /// - Returns: where the next page of agents begins, whether there was anything new, and whether anything is due to be sent.
    private func look(after page: Int64) async throws(PQError) -> (next: Int64?, isNew: Bool, isDue: Bool) {
        let rows = try await pool.query(AlertStatements.news(after: configuration.after, page: page))
        var next: Int64?
        var isDue = false
        var news: [AlertNews] = []
        for row in rows {
            switch try row.column("what", as: String.self) {
            case "page": next = try row.column("number", as: Int64.self)
            case "due": isDue = true
            default: news.append(try AlertNews(row))
            }
        }
        let now = clock.now()
        let incidents = news.filter { !$0.isAboutAnAgent }
        let agents = news.filter(\.isAboutAnAgent)
        var statements: [PQStatement] = []
        if !incidents.isEmpty {
            statements += AlertStatements.noteIncidents(
                incidents,
                bodies: incidents.map { $0.body(redactor, now: now) }
            )
        }
        if !agents.isEmpty {
            statements += AlertStatements.noteAgents(agents, bodies: agents.map { $0.body(redactor, now: now) })
        }
        if !statements.isEmpty { _ = try await pool.pipeline(statements) }
        return (next, !statements.isEmpty, isDue)
    }

    /// Sends a portion of what is due.
    ///
    /// Whoever is cancelled leaves to others at once what has no answer yet.
    ///
    /// - Returns: whether more may be due.
    private func sendPortion() async throws -> Bool {
        // Whoever is cancelled while the claim is made would not know of it, and could not give it back.
        let due = try await BackgroundTasks.toTheEnd { try await self.take() }
        for (place, notice) in due.enumerated() {
            // Others may have taken it while this process stood still, or the person whom it is about was erased.
            let isOurs = try await renew(notice)
            guard isOurs else { continue }
            let outcome = await Task.isCancelled ? .timedOut : post(notice.notice, Array(notice.body.utf8))
            if Task.isCancelled, outcome.httpStatus == nil {
                // That this replica stops says nothing of the receiver.
                let rest = due[place...]
                try await write(AlertStatements.release(rest.map(\.notice), attempts: rest.map(\.attempts)))
                return false
            }
            let retryIn = AlertStatements.retryDelay(afterAttempts: notice.attempts, first: configuration.firstRetry)
            try await write(
                AlertStatements.complete(notice.notice, attempts: notice.attempts, outcome, retryIn: retryIn)
            )
            // Only now: what is stored counts from before this.
            if !outcome.isDelivered { tryAgain(in: retryIn + Self.retryMargin) }
            meters.tried(outcome)
            guard let fault = outcome.fault else { continue }
            logger.warning(
                "alert not delivered",
                metadata: [LogKeys.fault: "\(fault)", LogKeys.attempts: "\(notice.attempts)"]
            )
        }
        return due.count == Int(AlertStatements.portion)
    }

    /// A notice that is due, taken for ``AlertStatements/claim``.
    private struct DueNotice: Sendable {
        var notice: UUID
        var body: String
        /// This one included.
        var attempts: Int32
    }

    private func take() async throws(PQError) -> [DueNotice] {
        try await pool.rows(AlertStatements.take, timeout: AlertStatements.claimTimeout) { row throws(PQError) in
            DueNotice(
                notice: try row.column("notice", as: UUID.self),
                body: try row.column("body", as: String.self),
                attempts: try row.column("attempts", as: Int32.self)
            )
        }
    }

    /// Whether a notice is still this replica's to send.
    private func renew(_ notice: DueNotice) async throws -> Bool {
        let statement = AlertStatements.renew(notice.notice, attempts: notice.attempts)
        return try await BackgroundTasks.toTheEnd {
            try await self.pool.execute(statement, timeout: AlertStatements.claimTimeout) > 0
        }
    }

    private func write(_ statement: PQStatement) async throws {
        _ = try await BackgroundTasks.toTheEnd { try await self.pool.execute(statement) }
    }

    /// Has the sender woken for a retry, unless it is woken for one before.
    private func tryAgain(in wait: Duration) {
        let at = ContinuousClock.now + wait
        retryAt.withLock { $0 = min($0 ?? at, at) }
    }

    private func post(_ notice: UUID, _ body: [UInt8]) async -> AlertOutcome {
        let id = "msg_" + notice.uuidString.lowercased()
        var headers = configuration.signer.headers(id: id, sentAt: clock.now(), body: body)
        headers.append(("content-type", "application/json"))
        return await configuration.receiver.post(body, headers: headers)
    }
}

/// What telling the outside counts.
private struct AlertMeters: Sendable {
    private let deliveries = Counter(label: "alerts_delivered")
    private let failures = Counter(label: "alert_failures")

    func tried(_ outcome: AlertOutcome) {
        if outcome.isDelivered { deliveries.increment() } else { failures.increment() }
    }
}
