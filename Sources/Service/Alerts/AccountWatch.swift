import Domain
import LibPQ
import Logging
import ServiceLifecycle
import Synchronization

/// Raises the alarm over engine accounts that no replica acts for: none is set up for them any more, or none gets to it.
///
/// Who acts for an account raises its other incidents; of this one nobody else would tell. Every replica watches, and one
/// incident comes of it. At rest one statement each ``interval``.
final class AccountWatch: Service {
    /// Between two looks.
    static let interval: Duration = .seconds(60)
    /// How long nobody may act for an account before that is an incident: longer than a takeover and a rolling restart last.
    ///
    /// It is also longer than ``interval``: while the database is away nobody can act, and an outage between two looks must not
    /// count. Another one fails a look, and the patience begins anew.
    static let patience: Duration = .seconds(90)
    /// How long a look may take.
    private static let timeout: Duration = .seconds(5)

    private let pool: PQPool
    private let clock: DatabaseClock
    private let logger: Logger
    /// Told when incidents were opened or closed.
    private let changed: @Sendable () -> Void
    /// Since when no look has failed, by ``DatabaseClock/monotonic()``; what came before says nothing.
    private let watchedSince: Atomic<Int64>

    init(pool: PQPool, clock: DatabaseClock, logger: Logger, changed: @escaping @Sendable () -> Void) {
        self.pool = pool
        self.clock = clock
        self.logger = logger
        self.changed = changed
        watchedSince = Atomic(clock.monotonic())
    }

    func run() async throws {
        await BackgroundTasks.untilShutdown {
            while !Task.isCancelled {
                await self.look()
                try? await self.clock.sleep(for: Self.interval)  // Cancelled: the loop ends.
            }
        }
    }

    /// Looks once, and opens and closes incidents.
    func look() async {
        do {
            try await judge()
        } catch {
            logger.warning("who acts for the engine accounts was not looked at", metadata: [LogKeys.error: "\(error)"])
            watchedSince.store(clock.monotonic(), ordering: .relaxed)
        }
    }

    private func judge() async throws(PQError) {
        let watchedFor = Duration.microseconds(clock.monotonic() - watchedSince.load(ordering: .relaxed))
        let rows = try await pool.query(Self.judge(watchedFor: watchedFor), timeout: Self.timeout)
        for row in rows {
            let isOpen = try row.column("is_open", as: Bool.self)
            let engine = try row.column("name", as: String.self)
            logger.log(
                level: isOpen ? .warning : .notice,
                isOpen ? "incident" : "incident over",
                metadata: [LogKeys.kind: "\(IncidentKind.accountUnattended.rawValue)", LogKeys.account: "\(engine)"]
            )
        }
        if !rows.isEmpty { changed() }
    }

    /// Opens an incident for each account that agents have sessions on and nobody has acted for longer than that may be, and closes
    /// those of accounts that somebody acts for or that no agent has a session on any more.
    ///
    /// By the database's clock; reads as many rows as there are accounts. Indexes: `engine_leases_pkey`, `replicas_pkey`,
    /// `incidents_open_key`, which also keeps a second replica from opening the same, `instances_of_account`, `incidents_pkey`.
    ///
    /// `watchedFor`: for how long no look has failed.
    static func judge(watchedFor: Duration) -> PQStatement {
        """
        WITH w AS MATERIALIZED (
            SELECT e.account, e.name, i.incident,
                coalesce(r.expires_at > now(), false) AS is_acting,
                EXISTS (SELECT FROM instances x WHERE x.account = e.account AND x.agent IS NOT NULL) AS is_used,
                greatest(
                    l.since, CASE WHEN l.holder IS NULL THEN l.left_at ELSE r.expires_at END,
                    now() - make_interval(secs => \(watchedFor.inSeconds))
                ) < now() - make_interval(secs => \(patience.inSeconds)) AS is_long
            FROM engine_accounts e
            LEFT JOIN engine_leases l ON l.account = e.account
            LEFT JOIN replicas r ON r.replica = l.holder
            LEFT JOIN incidents i
                ON i.account = e.account
                AND i.kind = \(IncidentKind.accountUnattended.rawValue)
                AND i.closed_at IS NULL
        ), opened AS (
            INSERT INTO incidents (account, kind, detail)
            SELECT w.account, \(IncidentKind.accountUnattended.rawValue), 'no replica acts for it'
            FROM w
            WHERE w.is_used
              AND NOT w.is_acting
              AND w.is_long
              AND w.incident IS NULL
            ON CONFLICT (account, kind) WHERE closed_at IS NULL DO NOTHING
            RETURNING account
        ), closed AS (
            UPDATE incidents i
            SET closed_at = now()
            FROM w
            WHERE i.incident = w.incident
              AND (w.is_acting OR NOT w.is_used)
            RETURNING i.account
        )
        SELECT w.name, true AS is_open
        FROM opened o
        JOIN w ON w.account = o.account
        UNION ALL
        SELECT w.name, false
        FROM closed c
        JOIN w ON w.account = c.account
        """
    }
}
