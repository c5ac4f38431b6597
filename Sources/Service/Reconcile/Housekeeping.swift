import Domain
import FoundationEssentials
import LibPQ
import Logging

/// The one statement per second and replica: heartbeat, leases, what others put in line, what became due by the clock.
struct Housekeeping: Sendable {
    /// How often.
    static let interval: Duration = .seconds(1)
    /// How long a replica counts as alive after its last heartbeat.
    static let leaseTTL: Duration = .seconds(5)
    /// No command leaves in the last part of a lease: the clocks of two machines need not run alike.
    static let leaseMargin: Duration = .milliseconds(500)
    /// A row that is due this long is taken whatever its number: numbers commit in another order than they are drawn.
    static let overdueAfter: Duration = .seconds(2)
    /// Rows taken per second of each kind.
    static let rowLimit: Int64 = 1000

    let pool: PQPool
    let replica: UUID
    let release: String
    let accounts: [Int32]
    let clock: DatabaseClock

    /// What a heartbeat answered.
    struct Answer: Sendable {
        var leases: [Int32: HeldLease] = [:]
        /// Instances others put in line since the last heartbeat.
        var due: [Wake] = []
        /// The highest wake number seen.
        var lastWake: Int64 = 0
        /// Agents with an event whose time has come.
        var parked: [Int64] = []
        /// Changes whenever an API key is made or revoked.
        var keyVersion: String = ""
        var otherReplicas: Int64 = 0
    }

    /// Beats once.
    ///
    /// Without a row of its own a replica takes no lease, so the first beat only registers it.
    ///
    /// `lastWake`: ``Answer/lastWake`` of the beat before.
    func beat(lastWake: Int64) async throws(PQError) -> Answer {
        let sent = DatabaseClock.monotonic()
        let result = try await pool.query(statement(lastWake: lastWake), timeout: Self.leaseTTL)
        let received = DatabaseClock.monotonic()
        let deadline = sent + (Self.leaseTTL - Self.leaseMargin).microseconds
        var answer = Answer(lastWake: lastWake)
        for row in result {
            let number = try row.column("number", as: Int64.self)
            let account = try row.column("account", as: Int32?.self) ?? 0
            switch try row.column("what", as: String.self) {
            case "lease": answer.leases[account] = HeldLease(term: number, deadline: deadline)
            case "due":
                answer.due.append(Wake(instance: number, account: account))
                answer.lastWake = max(answer.lastWake, try row.column("wakes", as: Int64?.self) ?? 0)
            case "parked": answer.parked.append(number)
            default:
                answer.otherReplicas = number
                answer.keyVersion = try row.column("keys", as: String?.self) ?? ""
                clock.measured(try row.column("now", as: Timestamp.self), between: sent, and: received)
            }
        }
        return answer
    }

    private func statement(lastWake: Int64) -> PQStatement {
        """
        WITH beat AS (
            INSERT INTO replicas AS r (replica, seen_at, expires_at, release)
            VALUES (\(replica), now(), now() + make_interval(secs => \(Self.leaseTTL.inSeconds)), \(release))
            ON CONFLICT (replica) DO UPDATE
            SET seen_at = excluded.seen_at, expires_at = excluded.expires_at
        ), gone AS (
            DELETE FROM replicas WHERE expires_at < now() - interval '1 hour'
        ), taken AS (
            UPDATE engine_leases l
            SET holder = \(replica), term = l.term + 1, since = now()
            WHERE l.account = ANY (\(accounts))
              AND l.holder IS DISTINCT FROM \(replica)
              AND NOT EXISTS (SELECT FROM replicas r WHERE r.replica = l.holder AND r.expires_at > now())
              AND EXISTS (SELECT FROM replicas r WHERE r.replica = \(replica))
            RETURNING l.account, l.term
        ), held AS (
            SELECT account, term FROM taken
            UNION ALL
            SELECT account, term FROM engine_leases WHERE holder = \(replica)
        )
        SELECT 'lease' AS what, account, term AS number, NULL::bigint AS wakes, NULL::text AS keys, clock_timestamp() AS now
        FROM held
        UNION ALL
        (SELECT 'due', q.account, q.instance, q.wakes, NULL, NULL
        FROM reconcile_queue q
        WHERE q.due_at <= now()
          AND (q.wakes > \(lastWake) OR q.due_at <= now() - make_interval(secs => \(Self.overdueAfter.inSeconds)))
          AND q.account IN (SELECT account FROM held)
        ORDER BY q.wakes
        LIMIT \(Self.rowLimit))
        UNION ALL
        (SELECT 'parked', NULL, s.agent, NULL, NULL, NULL
        FROM agent_states s
        WHERE s.next_punch_at <= now()
        ORDER BY s.next_punch_at
        LIMIT \(Self.rowLimit))
        UNION ALL
        SELECT 'rest', NULL, (SELECT count(*) FROM replicas r WHERE r.replica <> \(replica) AND r.expires_at > now()), NULL,
            (SELECT concat_ws('/', count(*), max(created_at), max(revoked_at)) FROM api_keys), clock_timestamp()
        """
    }

    /// Gives up the leases and the heartbeat, so that another replica need not wait.
    func leave() async throws(PQError) {
        _ = try await pool.pipeline([
            "UPDATE engine_leases SET holder = NULL WHERE holder = \(replica)",
            "DELETE FROM replicas WHERE replica = \(replica)",
        ])
    }
}
