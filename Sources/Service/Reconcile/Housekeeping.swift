import Domain
import FoundationEssentials
import LibPQ
import Logging

/// The one statement per second and replica: heartbeat, leases, what others put in line, what became due by the clock.
struct Housekeeping: Sendable {
    /// How often.
    static let interval: Duration = .seconds(1)
    /// How long a replica counts as alive after its last heartbeat: with one more heartbeat of whoever takes over, all that it
    /// did is taken up within 5 s.
    static let leaseTTL: Duration = .milliseconds(3500)
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
    var crashPoints = CrashPoints()

    /// What a heartbeat answered.
    struct Answer: Sendable {
        var leases: [Int32: HeldLease] = [:]
        /// Those among them that another replica shall have: nothing leaves any more, outcomes are still recorded, and with the
        /// next beat they are given up.
        var yielding: Set<Int32> = []
        /// Instances others put in line since the last heartbeat.
        var due: [Wake] = []
        /// The highest wake number seen.
        var lastWake: Int64 = 0
        /// Sweeps that other replicas were asked for, of accounts held here.
        var sweeps: [Int64] = []
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
    /// `lastWake` and `yielding`: as the beat before answered.
    func beat(lastWake: Int64, yielding: Set<Int32> = []) async throws(PQError) -> Answer {
        crashPoints.reach(.beforeBeat)
        let sent = DatabaseClock.monotonic()
        let result = try await pool.query(statement(lastWake: lastWake), timeout: Self.leaseTTL)
        let received = DatabaseClock.monotonic()
        crashPoints.reach(.afterBeat)
        let deadline = sent + (Self.leaseTTL - Self.leaseMargin).microseconds
        var answer = Answer(lastWake: lastWake)
        var spread = LeaseSpread()
        for row in result {
            let number = try row.column("number", as: Int64?.self) ?? 0
            let account = try row.column("account", as: Int32?.self) ?? 0
            switch try row.column("what", as: String.self) {
            case "lease":
                let holder = try row.column("replica", as: UUID?.self)
                spread.holders[account] = .some(holder)
                if holder == replica { answer.leases[account] = HeldLease(term: number, deadline: deadline) }
            case "replica":
                guard let id = try row.column("replica", as: UUID?.self) else { continue }
                spread.replicas.append(.init(id: id, accounts: Set(try row.column("accounts", as: [Int32].self))))
                if id != replica { answer.otherReplicas += 1 }
            case "due":
                answer.due.append(Wake(instance: number, account: account))
                answer.lastWake = max(answer.lastWake, try row.column("wakes", as: Int64?.self) ?? 0)
            case "parked": answer.parked.append(number)
            case "sweep": answer.sweeps.append(number)
            default:
                answer.keyVersion = try row.column("keys", as: String?.self) ?? ""
                clock.measured(try row.column("now", as: Timestamp.self), between: sent, and: received)
            }
        }
        try await take(spread.toTake(by: replica), deadline: deadline, &answer)
        try await yield(spread.toYield(by: replica), before: yielding, &answer)
        return answer
    }

    /// Takes free leases; what another replica took meanwhile stays with it.
    ///
    /// Index: `engine_leases_pkey`.
    private func take(_ accounts: Set<Int32>, deadline: Int64, _ answer: inout Answer) async throws(PQError) {
        guard !accounts.isEmpty else { return }
        let taken = try await pool.query(
            """
            UPDATE engine_leases l
            SET holder = \(replica), term = l.term + 1, since = now()
            WHERE l.account = ANY (\(accounts.sorted()))
              AND l.holder IS DISTINCT FROM \(replica)
              AND NOT EXISTS (SELECT FROM replicas r WHERE r.replica = l.holder AND r.expires_at > now())
              AND EXISTS (SELECT FROM replicas r WHERE r.replica = \(replica))
            RETURNING l.account, l.term
            """,
            timeout: Self.interval
        )
        crashPoints.reach(.leaseTaken)
        for row in taken {
            let term = try row.column("term", as: Int64.self)
            answer.leases[try row.column("account", as: Int32.self)] = HeldLease(term: term, deadline: deadline)
        }
    }

    /// Lays leases down in two steps a beat apart, so that what is under way is recorded under them.
    private func yield(_ accounts: Set<Int32>, before: Set<Int32>, _ answer: inout Answer) async throws(PQError) {
        answer.yielding = accounts.subtracting(before)
        for account in answer.yielding { answer.leases[account]?.deadline = 0 }
        let over = accounts.intersection(before)
        guard !over.isEmpty else { return }
        _ = try await pool.pipeline([
            "UPDATE engine_leases SET holder = NULL WHERE account = ANY (\(over.sorted())) AND holder = \(replica)",
            "SELECT pg_notify(\(WakeChannel.name), '')",
        ])
        for account in over { answer.leases[account] = nil }
    }

    private func statement(lastWake: Int64) -> PQStatement {
        """
        WITH beat AS (
            INSERT INTO replicas AS r (replica, seen_at, expires_at, release, accounts)
            VALUES (\(replica), now(), now() + make_interval(secs => \(Self.leaseTTL.inSeconds)), \(release), \(accounts))
            ON CONFLICT (replica) DO UPDATE
            SET seen_at = excluded.seen_at, expires_at = excluded.expires_at
        ), gone AS (
            DELETE FROM replicas WHERE expires_at < now() - interval '1 hour'
        ), alive AS (
            SELECT r.replica, r.accounts FROM replicas r WHERE r.expires_at > now() OR r.replica = \(replica)
        ), held AS (
            SELECT account FROM engine_leases WHERE holder = \(replica)
        )
        SELECT 'lease' AS what, l.account, l.term AS number, NULL::bigint AS wakes, NULL::text AS keys,
            clock_timestamp() AS now, r.replica, NULL::integer[] AS accounts
        FROM engine_leases l
        LEFT JOIN alive r ON r.replica = l.holder
        UNION ALL
        SELECT 'replica', NULL, NULL, NULL, NULL, NULL, r.replica, r.accounts FROM alive r
        UNION ALL
        (SELECT 'due', q.account, q.instance, q.wakes, NULL, NULL, NULL, NULL
        FROM reconcile_queue q
        WHERE q.due_at <= now()
          AND (q.wakes > \(lastWake) OR q.due_at <= now() - make_interval(secs => \(Self.overdueAfter.inSeconds)))
          AND q.account IN (SELECT account FROM held)
        ORDER BY q.wakes
        LIMIT \(Self.rowLimit))
        UNION ALL
        (SELECT 'parked', NULL, s.agent, NULL, NULL, NULL, NULL, NULL
        FROM agent_states s
        WHERE s.next_punch_at <= now()
        ORDER BY s.next_punch_at
        LIMIT \(Self.rowLimit))
        UNION ALL
        SELECT 'sweep', o.account, o.sweep, NULL, NULL, NULL, NULL, NULL
        FROM sweep_orders o
        WHERE o.taken_at IS NULL AND o.until > now() AND o.account IN (SELECT account FROM held)
        UNION ALL
        SELECT 'rest', NULL, NULL, NULL,
            (SELECT concat_ws('/', count(*), max(created_at), max(revoked_at)) FROM api_keys), clock_timestamp(), NULL, NULL
        """
    }

    /// Gives up the leases and the heartbeat, and says so, so that another replica need not wait.
    func leave() async throws(PQError) {
        _ = try await pool.pipeline([
            "UPDATE engine_leases SET holder = NULL WHERE holder = \(replica)",
            "DELETE FROM replicas WHERE replica = \(replica)",
            "SELECT pg_notify(\(WakeChannel.name), '')",
        ])
    }
}
