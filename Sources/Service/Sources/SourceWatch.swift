import Domain
import LibPQ
import Logging
import ServiceLifecycle

/// Writes down what came of sources about once a second, and raises the alarm over those that fell silent.
///
/// What a crash takes with it is a second of counts.
struct SourceWatch: Service {
    /// Between two flushes.
    static let interval: Duration = .seconds(1)
    /// Between two looks for who fell silent: a tenth of the shortest time that a source may be silent, within these bounds, so
    /// that nothing is asked every second while nothing happens.
    static let judging: ClosedRange<Duration> = .seconds(1) ... .seconds(10)
    /// When a replica looks once more for what its limits do not count: those that it follows, whose limits may be others, are
    /// gone by then.
    static let settling: Duration = .seconds(60)
    /// Between two looks for records that cannot be fetched.
    static let unfetchedInterval: Duration = .seconds(10)
    /// Between two looks for counts that are too old.
    static let pruneInterval: Duration = .seconds(3600)
    /// How long a flush may take.
    static let timeout: Duration = .seconds(2)

    let pool: PQPool
    let journal: SourceJournal
    let meters: SourceMeters
    let redactor: Redactor
    /// Names by surrogate key.
    let names: [Int32: String]
    /// How long each source may be silent; those that may be for ever are not among them.
    let silenceLimits: [Int32: Duration]
    /// The sources whose deliveries only name records.
    var fetchingSources: [Int32] = []
    let logger: Logger

    /// Flushes until told to stop, and then once more.
    func run() async throws {
        await BackgroundTasks.untilShutdown { await self.watch() }
        await flush()
    }

    private func watch() async {
        let began = ContinuousClock.now
        var prunedAt = began
        var judgedAt = began
        var fetchesAskedAt = began
        var isSettled = false
        let tenth = (silenceLimits.values.min() ?? .zero) / 10
        let pause = min(max(tenth, Self.judging.lowerBound), Self.judging.upperBound)
        var hasBegun = await begin(isRepeated: false)
        while !Task.isCancelled {
            try? await Task.sleep(for: Self.interval)  // Cancelled: the loop ends.
            guard !Task.isCancelled else { return }
            if !hasBegun { hasBegun = await begin(isRepeated: true) }
            await flush()
            if !silenceLimits.isEmpty, ContinuousClock.now - judgedAt >= pause {
                judgedAt = .now
                await judge(uptime: ContinuousClock.now - began)
            }
            if !isSettled, ContinuousClock.now - began >= Self.settling {
                let abandoning = SourceActivityStatements.abandon(watching: silenceLimits)
                isSettled = await attempt("silence of sources not settled", [abandoning]) != nil
            }
            if !fetchingSources.isEmpty, ContinuousClock.now - fetchesAskedAt >= Self.unfetchedInterval {
                fetchesAskedAt = .now
                await tellUnfetched()
            }
            if ContinuousClock.now - prunedAt > Self.pruneInterval {
                prunedAt = .now
                await attempt("source counts not pruned", [SourceActivityStatements.prune])
            }
        }
    }

    /// Takes over what is known from before.
    ///
    /// `isRepeated`: whether it failed before, which was logged then.
    ///
    /// - Returns: whether the database answered.
    private func begin(isRepeated: Bool) async -> Bool {
        let statements = [
            SourceActivityStatements.lastSeen,
            SourceActivityStatements.abandon(watching: silenceLimits),
        ]
        guard let results = await attempt("source activity not read", statements, isQuiet: isRepeated) else {
            return false
        }
        tellMeters(results[0])
        return true
    }

    /// Writes what came since the last flush; what cannot be written stays for the next.
    ///
    /// Counts are for people: where only the answer to a commit is lost, they are written twice.
    func flush() async {
        let tally = journal.take()
        guard !tally.isEmpty else { return }
        let statement = SourceActivityStatements.flush(tally, redactor: redactor)
        guard let results = await attempt("source activity not written", [statement]) else {
            journal.putBack(tally)
            return
        }
        tellMeters(results[0])
        meters.add(tally)
    }

    /// Looks who is silent.
    private func judge(uptime: Duration) async {
        let statement = SourceActivityStatements.judge(silenceLimits, uptime: uptime)
        guard let rows = await attempt("silence of sources not judged", [statement])?[0] else { return }
        for row in rows {
            guard let source = try? row.column("source_id", as: Int32.self),
                let isSilent = try? row.column("is_silent", as: Bool.self)
            else { continue }  // Both columns are of these types.
            let name = names[source] ?? "\(source)"
            logger.log(
                level: isSilent ? .warning : .notice,
                isSilent ? "incident" : "incident over",
                metadata: [LogKeys.kind: "\(IncidentKind.sourceSilent.rawValue)", LogKeys.source: "\(name)"]
            )
        }
    }

    /// Measures what cannot be fetched.
    private func tellUnfetched() async {
        let statement = UnfetchedRecords.counts(of: fetchingSources)
        guard let rows = await attempt("records that cannot be fetched not counted", [statement])?[0] else { return }
        for row in rows {
            guard let source = try? row.column("source_id", as: Int32.self),
                let count = try? row.column("unfetched", as: Int64.self)
            else { continue }  // As above.
            meters.unfetched(count, of: source)
        }
    }

    private func tellMeters(_ rows: PQResult) {
        for row in rows {
            guard let source = try? row.column("source_id", as: Int32.self),
                let name = try? row.column("name", as: String.self)
            else { continue }  // As above.
            meters.learn(name, of: source)
            // A source that never was seen has none.
            if let seenAt = try? row.column("last_seen_at", as: Timestamp?.self) { meters.seen(source, at: seenAt) }
        }
    }

    @discardableResult
    private func attempt(
        _ failure: Logger.Message,
        _ statements: [PQStatement],
        isQuiet: Bool = false
    ) async -> [PQResult]? {
        do {
            return try await pool.pipeline(statements, timeout: Self.timeout)
        } catch {
            if !isQuiet { logger.warning(failure, metadata: [LogKeys.error: "\(error)"]) }
            return nil
        }
    }
}
