import LibPQ
import Logging
import Synchronization

/// What can befall a whole engine account, or a clock source.
enum IncidentKind: String, Sendable, CaseIterable {
    /// The engine answers 401.
    case accountRefused = "account_refused"
    /// No call succeeds.
    case engineOutage = "engine_outage"
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

    private let open = Mutex<Set<Key>>([])
    private let changes: AsyncStream<Change>
    private let feed: AsyncStream<Change>.Continuation
    private let logger: Logger

    init(logger: Logger) {
        self.logger = logger
        (changes, feed) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(256))
    }

    func raise(_ kind: IncidentKind, account: Int32, detail: String) {
        guard open.withLock({ $0.insert(Key(kind: kind, account: account)).inserted }) else { return }
        logger.warning("incident", metadata: ["kind": "\(kind.rawValue)", "detail": "\(detail)"])
        feed.yield(Change(kind: kind, account: account, detail: detail))
    }

    func clear(_ kind: IncidentKind, account: Int32) {
        guard open.withLock({ $0.remove(Key(kind: kind, account: account)) != nil }) else { return }
        logger.notice("incident over", metadata: ["kind": "\(kind.rawValue)"])
        feed.yield(Change(kind: kind, account: account))
    }

    /// Takes over the incidents that are open in the database, as after a restart.
    func resume(pool: PQPool) async throws(PQError) {
        let rows = try await pool.rows(
            "SELECT account, kind FROM incidents WHERE closed_at IS NULL AND source_id IS NULL"
        ) { row throws(PQError) in
            (try row.column("account", as: Int32.self), try row.column("kind", as: String.self))
        }
        open.withLock { open in
            for (account, kind) in rows {
                if let kind = IncidentKind(rawValue: kind) { open.insert(Key(kind: kind, account: account)) }
            }
        }
    }

    /// Writes changes until the task is cancelled.
    func run(pool: PQPool) async {
        for await change in changes {
            do {
                _ = try await pool.execute(statement(change))
            } catch {
                logger.warning("incident not written", metadata: ["error": "\(error)"])
            }
        }
    }

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
