import LibPQ
import Logging
import Synchronization

/// What can befall a whole engine account, or a clock source.
enum IncidentKind: String, Sendable, CaseIterable {
    /// The engine answers 401.
    case accountRefused = "account_refused"
    /// No call succeeds.
    case engineOutage = "engine_outage"
    /// Looks are answered, and none of the answers proves anything of a session (``RefusedReads``).
    case readsRefused = "reads_refused"
    /// Many sessions want a restart at the same time.
    case sessionsFailing = "sessions_failing"
    /// Many sessions were logged out at about the same time, and somebody has to pair them again.
    case sessionsLoggedOut = "sessions_logged_out"
    /// The engine knows many sessions no more, all at about the same time.
    case sessionsUnknown = "sessions_unknown"
    /// The engine refuses to start or to stop many sessions, and began to at about the same time.
    case commandsRefused = "commands_refused"
    /// The engine says of many sessions that they work and names no account, and began to at about the same time.
    case sessionsSuspect = "sessions_suspect"
    /// The engine reports a state that nobody here knows of many sessions, and began to at about the same time.
    case wordsUnknown = "words_unknown"
    /// Many sessions go down by themselves again and again, and began to at about the same time; until few have lately.
    case sessionsKeepFalling = "sessions_keep_falling"
    /// No replica acts for the account, although agents have sessions on it; ``AccountWatch`` raises it.
    case accountUnattended = "account_unattended"
    /// A change waits until somebody approves or refuses it; ``GuardGate`` raises it.
    case changeHeld = "change_held"
    /// A clock source sends nothing any more; ``SourceWatch`` raises it.
    case sourceSilent = "source_silent"
}

/// Raises an incident of an account once, and clears it once; the database is told in the background.
///
/// What is said of an account only its holder says: every change carries the term of the lease under which it was seen, and is
/// written while that lease is held, or never. Who takes the account over reads what is open (``resume(_:term:pool:)``).
final class IncidentLog: Sendable {
    private struct Change: Sendable, Hashable {
        var kind: IncidentKind
        var account: Int32
        var term: Int64
        /// `nil` for the end of an incident.
        var detail: String?
    }

    private struct Key: Hashable {
        var kind: IncidentKind
        var account: Int32
    }

    /// What is known of an incident, and under which lease; what was known under another one counts for nothing.
    private struct Known {
        var term: Int64
        var isOpen: Bool
    }

    /// Changes that wait to be written; one more takes the place of the oldest.
    private static let changeLimit = 256

    private let known = Mutex<[Key: Known]>([:])
    private let changes: AsyncStream<Change>
    private let feed: AsyncStream<Change>.Continuation
    private let logger: Logger
    /// Told of each that was written.
    private let written: (@Sendable () -> Void)?

    /// `written`: told once an incident was opened or closed in the database.
    init(logger: Logger, written: (@Sendable () -> Void)? = nil) {
        self.logger = logger
        self.written = written
        (changes, feed) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(Self.changeLimit))
    }

    /// Opens an incident, unless it is open by what is known under that lease.
    ///
    /// `term`: of the lease that this replica holds for the account.
    func raise(_ kind: IncidentKind, account: Int32, term: Int64, detail: String) {
        guard note(kind, account: account, term: term, isOpen: true) else { return }
        logger.warning("incident", metadata: [LogKeys.kind: "\(kind.rawValue)", LogKeys.detail: "\(detail)"])
        feed.yield(Change(kind: kind, account: account, term: term, detail: detail))
    }

    /// Closes an incident that is open by what is known under that lease.
    ///
    /// `term`: as of ``raise(_:account:term:detail:)``.
    func clear(_ kind: IncidentKind, account: Int32, term: Int64) {
        guard note(kind, account: account, term: term, isOpen: false) else { return }
        logger.notice("incident over", metadata: [LogKeys.kind: "\(kind.rawValue)"])
        feed.yield(Change(kind: kind, account: account, term: term))
    }

    /// Takes in what is so from now on; returns whether that is news.
    private func note(_ kind: IncidentKind, account: Int32, term: Int64, isOpen: Bool) -> Bool {
        let key = Key(kind: kind, account: account)
        return known.withLock { known in
            let before = known[key].map { $0.term == term && $0.isOpen } ?? false
            guard before != isOpen else { return false }
            known[key] = Known(term: term, isOpen: isOpen)
            return true
        }
    }

    /// Whether an incident is open, as far as this replica knows under a lease.
    func isOpen(_ kind: IncidentKind, account: Int32, term: Int64) -> Bool {
        known.withLock { $0[Key(kind: kind, account: account)].map { $0.term == term && $0.isOpen } ?? false }
    }

    /// Takes over the incidents of an account that are open in the database, as who gets its lease does.
    ///
    /// What was known under another lease is forgotten: another may have closed it meanwhile. What was said under this one stands,
    /// since calls may leave before this is done, and what they said may not be written yet. Index: `incidents_open_key`.
    func resume(_ account: Int32, term: Int64, pool: PQPool) async throws(PQError) {
        let kinds = try await pool.rows(
            "SELECT kind FROM incidents WHERE account = \(account) AND closed_at IS NULL"
        ) { row throws(PQError) in try row.column("kind", as: String.self) }
        known.withLock { known in
            known = known.filter { $0.key.account != account || $0.value.term == term }
            for kind in kinds.compactMap(IncidentKind.init(rawValue:)) {
                let key = Key(kind: kind, account: account)
                known[key] = known[key] ?? Known(term: term, isOpen: true)
            }
        }
    }

    /// Writes changes until the task is cancelled, each until it is known to be written: the database may be away just then.
    ///
    /// Where only the answer is lost it is written again. Both statements may be repeated, and were it not written nobody would
    /// ever raise it anew: ``known`` has it. One whose lease is another's by now is dropped.
    func run(pool: PQPool) async {
        // Until one is written, whichever that is.
        var isTold = false
        for await change in changes {
            while !Task.isCancelled {
                do {
                    if try await pool.query(statement(change)).rowCount > 0 {
                        written?()
                    } else {
                        logger.notice(
                            "incident not written, the lease is gone",
                            metadata: [LogKeys.kind: "\(change.kind.rawValue)", LogKeys.term: "\(change.term)"]
                        )
                    }
                    isTold = false
                    break
                } catch {
                    logger.log(
                        level: isTold ? .debug : .warning,
                        "incident not written",
                        metadata: [LogKeys.error: "\(error)"]
                    )
                    isTold = true
                    guard error.isTransient || error.kind == .commitUnknown || error.kind == .notReplicated else {
                        break
                    }
                    try? await Task.sleep(for: Self.retryPause)  // Cancelled: the loop ends.
                }
            }
        }
    }

    private static let retryPause: Duration = .seconds(1)

    /// Writes a change if the lease is still held; returns its account then, and no row otherwise.
    ///
    /// The fence is the locked row of the lease: nobody takes it before this is committed. A term is of one holder only, so
    /// together with there being one at all it says whose the lease is. Indexes: `engine_leases_pkey`, `incidents_open_key`.
    private func statement(_ change: Change) -> PQStatement {
        guard let detail = change.detail else {
            return """
                WITH l AS MATERIALIZED (
                    SELECT e.account
                    FROM engine_leases e
                    WHERE e.account = \(change.account)
                      AND e.term = \(change.term)
                      AND e.holder IS NOT NULL
                    FOR SHARE
                ), w AS (
                    UPDATE incidents i
                    SET closed_at = now()
                    FROM l
                    WHERE i.account = l.account
                      AND i.kind = \(change.kind.rawValue)
                      AND i.closed_at IS NULL
                )
                SELECT l.account FROM l
                """
        }
        return """
            WITH l AS MATERIALIZED (
                SELECT e.account
                FROM engine_leases e
                WHERE e.account = \(change.account)
                  AND e.term = \(change.term)
                  AND e.holder IS NOT NULL
                FOR SHARE
            ), w AS (
                INSERT INTO incidents (account, kind, detail)
                SELECT l.account, \(change.kind.rawValue)::text, \(detail)::text
                FROM l
                ON CONFLICT (account, kind) WHERE closed_at IS NULL DO NOTHING
            )
            SELECT l.account FROM l
            """
    }
}
