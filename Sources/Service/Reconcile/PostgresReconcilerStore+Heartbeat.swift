import Domain
import FoundationEssentials
import LibPQ

/// The one statement per second and replica, and a few more where leases change hands.
extension PostgresReconcilerStore {
    func beat(_ heartbeat: Heartbeat) async throws(PQError) -> HeartbeatAnswer {
        let replica = heartbeat.replica
        let result = try await pool.query(statement(heartbeat), timeout: Housekeeping.leaseTTL)
        var answer = HeartbeatAnswer()
        var spread = LeaseSpread()
        var (named, overdue, lastOverdue) = (Int64(0), Int64(0), Int64(0))
        for row in result {
            let number = try row.column("number", as: Int64?.self) ?? 0
            let account = try row.column("account", as: Int32?.self) ?? 0
            switch try row.column("what", as: String.self) {
            case "lease":
                let holder = try row.column("replica", as: UUID?.self)
                spread.holders[account] = .some(holder)
                answer.terms[account] = try row.column("number", as: Int64?.self)
            case "replica":
                guard let id = try row.column("replica", as: UUID?.self) else { continue }
                // The statement sees its own row as it was before.
                let accounts = id == replica ? heartbeat.accounts : try row.column("accounts", as: [Int32].self)
                spread.replicas.append(.init(id: id, accounts: Set(accounts)))
                if id != replica { answer.otherReplicas += 1 }
            case "due":
                answer.due.append(Wake(instance: number, account: account))
                answer.lastWake = max(answer.lastWake, try row.column("wakes", as: Int64?.self) ?? 0)
                named += 1
            case "overdue":
                answer.due.append(Wake(instance: number, account: account))
                lastOverdue = max(lastOverdue, try row.column("wakes", as: Int64?.self) ?? 0)
                overdue += 1
            case "parked": answer.parked.append(number)
            case "sweep": answer.sweeps.append(number)
            default:
                answer.keyVersion = try row.column("keys", as: String?.self) ?? ""
                answer.now = try row.column("now", as: Timestamp.self)
            }
        }
        answer.hasMore = named >= heartbeat.rowLimit
        answer.lastOverdue = overdue >= heartbeat.rowLimit ? lastOverdue : 0
        do {
            try await take(spread.toTake(by: replica), heartbeat, &answer)
            try await yield(spread.toYield(by: replica), heartbeat, &answer)
        } catch {
            // The beat is committed: what is held anyway goes on, and the next beat tries the rest again. Of those that were
            // to be laid down it is not known whether they are.
            answer.unmoved = error
            for account in heartbeat.yielding { answer.terms[account] = nil }
        }
        return answer
    }

    /// Takes free leases; what another replica took meanwhile stays with it.
    ///
    /// The rows are locked first, and who is alive is read after the wait: a holder that is late and beats at this moment has
    /// its rows locked as well (``statement(_:)``), and once that beat is over it is seen to be alive. Index:
    /// `engine_leases_pkey`.
    private func take(
        _ accounts: Set<Int32>,
        _ heartbeat: Heartbeat,
        _ answer: inout HeartbeatAnswer
    ) async throws(PQError) {
        guard !accounts.isEmpty else { return }
        let replica = heartbeat.replica
        let taken = try await pool.pipeline(
            [
                """
                SELECT account FROM engine_leases WHERE account = ANY (\(accounts.sorted())) ORDER BY account FOR UPDATE
                """,
                take(accounts, by: replica),
            ],
            timeout: Housekeeping.interval
        )[1]
        crashPoints.reach(.leaseTaken)
        for row in taken {
            let account = try row.column("account", as: Int32.self)
            answer.terms[account] = try row.column("term", as: Int64.self)
            answer.handovers[account] = Handover(
                spent: try row.column("spent", as: Int32?.self),
                age: .microseconds(max(0, try row.column("age", as: Int64?.self) ?? 0))
            )
        }
    }

    private func take(_ accounts: Set<Int32>, by replica: UUID) -> PQStatement {
        """
        UPDATE engine_leases l
        SET holder = \(replica), term = l.term + 1, since = now()
        FROM engine_leases o
        LEFT JOIN replicas h ON h.replica = o.holder
        WHERE l.account = ANY (\(accounts.sorted()))
          AND o.account = l.account
          AND o.term = l.term
          AND l.holder IS DISTINCT FROM \(replica)
          AND NOT EXISTS (SELECT FROM replicas r WHERE r.replica = l.holder AND r.expires_at > now())
          AND EXISTS (SELECT FROM replicas r WHERE r.replica = \(replica))
        RETURNING l.account, l.term,
            CASE WHEN o.left_term = o.term THEN o.spent END AS spent,
            (extract(epoch FROM CASE
                WHEN o.left_term = o.term THEN now() - o.left_at
                ELSE now() - h.expires_at + make_interval(secs => \(Housekeeping.quietAtExpiry.inSeconds))
            END) * 1000000)::bigint AS age
        """
    }

    /// Lays leases down in two steps a beat apart, so that what is under way is recorded under them.
    private func yield(
        _ accounts: Set<Int32>,
        _ heartbeat: Heartbeat,
        _ answer: inout HeartbeatAnswer
    ) async throws(PQError) {
        answer.yielding = accounts.subtracting(heartbeat.yielding)
        let over = accounts.intersection(heartbeat.yielding)
        guard !over.isEmpty else { return }
        // The other leases last only until the next beat, so this one waits for nobody who holds the row.
        _ = try await pool.pipeline(
            [
                Self.layDown(heartbeat.replica, over.sorted(), spent: heartbeat.spent),
                "SELECT pg_notify(\(Self.wakes), '')",
            ],
            timeout: Housekeeping.interval
        )
        for account in over { answer.terms[account] = nil }
    }

    /// The leases that count are those that are locked here: of one that somebody takes at this moment the taker's word is waited
    /// for, and who would take one waits for this beat.
    private func statement(_ heartbeat: Heartbeat) -> PQStatement {
        let silent = heartbeat.silences.sorted { $0.key < $1.key }
        let unwritten = heartbeat.unwritten.sorted { $0.key < $1.key }
        return """
            WITH beat AS (
                INSERT INTO replicas AS r (replica, seen_at, expires_at, release, accounts, break_action)
                VALUES (\(heartbeat.replica), now(), now() + make_interval(secs => \(Housekeeping.leaseTTL.inSeconds)), \(heartbeat.release), \(heartbeat.accounts), \(heartbeat.breakAction.rawValue))
                ON CONFLICT (replica) DO UPDATE
                SET seen_at = excluded.seen_at, expires_at = excluded.expires_at, accounts = excluded.accounts
            ), gone AS (
                DELETE FROM replicas WHERE expires_at < now() - interval '1 hour'
            ), alive AS (
                SELECT r.replica, r.accounts FROM replicas r WHERE r.expires_at > now() OR r.replica = \(heartbeat.replica)
            ), held AS (
                SELECT account, term FROM engine_leases WHERE holder = \(heartbeat.replica) ORDER BY account FOR SHARE
            ), pulse AS (
                INSERT INTO engine_pulses AS p (account, beat_at, silent_since, unwritten_since)
                SELECT h.account, now(), s.since, u.since
                FROM held h
                LEFT JOIN unnest(\(silent.map(\.key))::integer[], \(silent.map(\.value))::timestamptz[]) AS s (account, since)
                    ON s.account = h.account
                LEFT JOIN unnest(\(unwritten.map(\.key))::integer[], \(unwritten.map(\.value))::timestamptz[]) AS u (account, since)
                    ON u.account = h.account
                ORDER BY h.account
                ON CONFLICT (account) DO UPDATE
                SET beat_at = excluded.beat_at, silent_since = excluded.silent_since,
                    unwritten_since = excluded.unwritten_since
            )
            SELECT 'lease' AS what, l.account, h.term AS number, NULL::bigint AS wakes, NULL::text AS keys,
                clock_timestamp() AS now, r.replica, NULL::integer[] AS accounts
            FROM engine_leases l
            LEFT JOIN alive r ON r.replica = l.holder
            LEFT JOIN held h ON h.account = l.account
            UNION ALL
            SELECT 'replica', NULL, NULL, NULL, NULL, NULL, r.replica, r.accounts FROM alive r
            UNION ALL
            (SELECT 'due', q.account, q.instance, q.wakes, NULL, NULL, NULL, NULL
            FROM reconcile_queue q
            WHERE q.due_at <= now()
              AND q.wakes > \(heartbeat.lastWake)
              AND q.account IN (SELECT account FROM held)
            ORDER BY q.wakes
            LIMIT \(heartbeat.rowLimit))
            UNION ALL
            (SELECT 'overdue', q.account, q.instance, q.wakes, NULL, NULL, NULL, NULL
            FROM reconcile_queue q
            WHERE q.due_at <= now() - make_interval(secs => \(Housekeeping.overdueAfter.inSeconds))
              AND q.wakes <= \(heartbeat.lastWake)
              AND q.wakes > \(heartbeat.lastOverdue)
              AND q.account IN (SELECT account FROM held)
            ORDER BY q.wakes
            LIMIT \(heartbeat.rowLimit))
            UNION ALL
            (SELECT 'parked', NULL, s.agent, NULL, NULL, NULL, NULL, NULL
            FROM agent_states s
            WHERE s.next_punch_at <= now()
            ORDER BY s.next_punch_at
            LIMIT \(heartbeat.rowLimit))
            UNION ALL
            SELECT 'sweep', o.account, o.sweep, NULL, NULL, NULL, NULL, NULL
            FROM sweep_orders o
            WHERE o.taken_at IS NULL
              AND o.until > now() - make_interval(secs => \(SweepOrders.grace.inSeconds))
              AND o.account IN (SELECT account FROM held)
            UNION ALL
            SELECT 'rest', NULL, NULL, NULL,
                \(keysVersion: ()), clock_timestamp(), NULL, NULL
            """
    }

    /// Lays down leases, takes no account any more, and says so, so that another replica need not wait.
    func layDown(_ accounts: Set<Int32>, of replica: UUID, spent: [Int32: Int32]) async throws(PQError) {
        _ = try await pool.pipeline(
            [
                Self.layDown(replica, accounts.sorted(), spent: spent),
                "UPDATE replicas SET accounts = '{}' WHERE replica = \(replica)",
                "SELECT pg_notify(\(Self.wakes), '')",
            ],
            timeout: Housekeeping.interval
        )
    }

    /// Gives up the leases and the heartbeat, and says so, so that another replica need not wait.
    func leave(_ replica: UUID, spent: [Int32: Int32]) async throws(PQError) {
        _ = try await pool.pipeline([
            Self.layDown(replica, nil, spent: spent),
            "DELETE FROM replicas WHERE replica = \(replica)",
            "SELECT pg_notify(\(Self.wakes), '')",
        ])
    }

    /// `accounts`: which ones; `nil` for all.
    private static func layDown(_ replica: UUID, _ accounts: [Int32]?, spent: [Int32: Int32]) -> PQStatement {
        let spent = spent.sorted { $0.key < $1.key }
        return """
            UPDATE engine_leases l
            SET holder = NULL,
                left_term = l.term,
                left_at = clock_timestamp(),
                spent = (
                    SELECT s.spent
                    FROM unnest(\(spent.map(\.key))::integer[], \(spent.map(\.value))::integer[]) AS s (account, spent)
                    WHERE s.account = l.account
                )
            WHERE l.holder = \(replica)
              AND (\(accounts)::integer[] IS NULL OR l.account = ANY (\(accounts)))
            """
    }
}
