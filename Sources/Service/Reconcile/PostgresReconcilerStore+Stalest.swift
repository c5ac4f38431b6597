import Domain
import LibPQ

/// Whom to look at so that an engine's silence is noticed.
extension PostgresReconcilerStore {
    /// Reads a bounded part of the account's instances, whatever their number.
    ///
    /// An index by when each was looked at would be touched by every look. So of an account of more than a thousand it is the
    /// stalest of the next thousand, each thousand in turn.
    ///
    /// Indexes: `instances_of_account`, walked from the last page's end; `observed_states_pkey`, `looks_pkey`.
    func stalest(_ account: Int32, after position: Int64) async throws(PQError) -> StalestPage {
        var page = StalestPage()
        let rows = try await pool.query(Self.stalestStatement(account, after: position))
        for row in rows {
            page.entries.append(
                SweepEntry(
                    instance: try row.column("instance", as: Int64.self),
                    address: SessionAddress(
                        instanceID: try row.column("instance_id", as: String.self),
                        sessionName: try row.column("session_name", as: String?.self)
                    ),
                    reading: try row.column("reading", as: String?.self).map(SessionReading.init(stored:)),
                    condition: Condition(rawValue: try row.column("condition", as: String.self)) ?? .unknown
                )
            )
            page.next = try row.column("next", as: Int64.self)
        }
        return page
    }

    static func stalestStatement(_ account: Int32, after position: Int64) -> PQStatement {
        """
        WITH walk AS (
            SELECT x.instance, x.instance_id, x.session_name
            FROM instances x
            WHERE x.account = \(account)
              AND (x.account, x.instance) > (\(account), \(position))
              AND x.agent IS NOT NULL
            ORDER BY x.account, x.instance
            LIMIT \(Int64(StalestPage.walkLimit))
        ), part AS (
            SELECT CASE WHEN count(*) = \(Int64(StalestPage.walkLimit)) THEN max(w.instance) ELSE 0 END AS next FROM walk w
        )
        SELECT w.instance, w.instance_id, w.session_name, o.reading, o.condition, p.next
        FROM walk w
        CROSS JOIN part p
        JOIN LATERAL (
            SELECT k.reading, k.condition, k.read_at FROM observed_states k WHERE k.instance = w.instance OFFSET 0
        ) o ON true
        LEFT JOIN LATERAL (
            SELECT k.looked_at FROM looks k WHERE k.instance = w.instance OFFSET 0
        ) l ON true
        ORDER BY greatest(o.read_at, l.looked_at) NULLS FIRST, w.instance
        LIMIT \(Int64(StalestPage.limit))
        """
    }
}
