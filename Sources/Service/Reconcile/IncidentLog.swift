import LibPQ
import Logging
import Synchronization

/// What can befall a whole engine account, or a clock source.
enum IncidentKind: String, Sendable, CaseIterable {
    /// The engine answers 401.
    case accountRefused = "account_refused"
    /// No call succeeds.
    case engineOutage = "engine_outage"
    /// Many sessions want a restart at the same time.
    case sessionsFailing = "sessions_failing"
    /// Many sessions were logged out at about the same time, and somebody has to pair them again.
    case sessionsLoggedOut = "sessions_logged_out"
    /// The engine knows many sessions no more, all at about the same time.
    case sessionsUnknown = "sessions_unknown"
    /// No replica acts for the account, although agents have sessions on it; ``AccountWatch`` raises it.
    case accountUnattended = "account_unattended"
    /// A change waits until somebody approves or refuses it; ``GuardGate`` raises it.
    case changeHeld = "change_held"
    /// A clock source sends nothing any more; ``SourceWatch`` raises it.
    case sourceSilent = "source_silent"
}

/// Raises an incident of an account once, and clears it once; the database is told in the background.
final class IncidentLog: Sendable {
    private struct Change: Sendable, Hashable {
        var kind: IncidentKind
        var account: Int32
        var detail: String?
    }

    private struct Key: Hashable {
        var kind: IncidentKind
        var account: Int32
    }

    /// Changes that wait to be written; one more takes the place of the oldest.
    private static let changeLimit = 256

    private let open = Mutex<Set<Key>>([])
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

    func raise(_ kind: IncidentKind, account: Int32, detail: String) {
        guard open.withLock({ $0.insert(Key(kind: kind, account: account)).inserted }) else { return }
        logger.warning("incident", metadata: [LogKeys.kind: "\(kind.rawValue)", LogKeys.detail: "\(detail)"])
        feed.yield(Change(kind: kind, account: account, detail: detail))
    }

    func clear(_ kind: IncidentKind, account: Int32) {
        guard open.withLock({ $0.remove(Key(kind: kind, account: account)) != nil }) else { return }
        logger.notice("incident over", metadata: [LogKeys.kind: "\(kind.rawValue)"])
        feed.yield(Change(kind: kind, account: account))
    }

    /// Whether an incident is open, as far as this replica knows.
    func isOpen(_ kind: IncidentKind, account: Int32) -> Bool {
        open.withLock { $0.contains(Key(kind: kind, account: account)) }
    }

    /// Takes over the incidents of an account that are open in the database, as who gets its lease does.
    ///
    /// What was known of the account before is forgotten: another may have closed it meanwhile. Index: `incidents_open_key`.
    func resume(_ account: Int32, pool: PQPool) async throws(PQError) {
        let kinds = try await pool.rows(
            "SELECT kind FROM incidents WHERE account = \(account) AND closed_at IS NULL"
        ) { row throws(PQError) in try row.column("kind", as: String.self) }
        open.withLock { open in
            open = open.filter { $0.account != account }
            for kind in kinds.compactMap(IncidentKind.init(rawValue:)) {
                open.insert(Key(kind: kind, account: account))
            }
        }
    }

    /// Writes changes until the task is cancelled, each until it is known to be written: the database may be away just then.
    ///
    /// Where only the answer is lost it is written again. Both statements may be repeated, and were it not written nobody would
    /// ever raise it anew: ``open`` has it.
    func run(pool: PQPool) async {
        for await change in changes {
            while !Task.isCancelled {
                do {
                    _ = try await pool.execute(statement(change))
                    written?()
                    break
                } catch {
                    logger.warning("incident not written", metadata: [LogKeys.error: "\(error)"])
                    guard error.isTransient || error.kind == .commitUnknown || error.kind == .notReplicated else {
                        break
                    }
                    try? await Task.sleep(for: Self.retryPause)  // Cancelled: the loop ends.
                }
            }
        }
    }

    private static let retryPause: Duration = .seconds(1)

    private func statement(_ change: Change) -> PQStatement {
        guard let detail = change.detail else {
            return """
                UPDATE incidents
                SET closed_at = now()
                WHERE account = \(change.account)
                  AND kind = \(change.kind.rawValue)
                  AND closed_at IS NULL
                """
        }
        return """
            INSERT INTO incidents (account, kind, detail)
            VALUES (\(change.account), \(change.kind.rawValue), \(detail))
            ON CONFLICT (account, kind) WHERE closed_at IS NULL DO NOTHING
            """
    }
}
