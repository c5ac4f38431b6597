import Domain
import FoundationEssentials
import LibPQ

/// What a holder says of its accounts' lines, beside its heartbeat.
extension PostgresReconcilerStore {
    /// Only of accounts that the replica still holds: who lost one must not write over its next holder's word.
    ///
    /// The rows are locked in the order of accounts, as by the heartbeat beside it.
    /// Indexes: `engine_pulses_pkey`, `engine_leases_pkey`.
    func publish(_ forecasts: [Int32: LineForecast], by replica: UUID) async throws(PQError) -> Set<Int32> {
        let all = forecasts.sorted { $0.key < $1.key }
        let lines = all.map(\.value)
        let taken = try await pool.query(
            """
            WITH k AS (
                SELECT account FROM engine_pulses WHERE account = ANY (\(all.map(\.key))) ORDER BY account FOR NO KEY UPDATE
            )
            UPDATE engine_pulses p
            SET line_asked = n.asked, line_people = n.people, line_repair = n.repair, line_look = n.look,
                line_sweep = n.sweep, finishes_at = n.finishes_at, predicted_at = n.predicted_at
            FROM unnest(
                \(all.map(\.key))::integer[], \(lines.map { Int32(clamping: $0.asked) })::integer[],
                \(lines.map { Int32(clamping: $0.counts.people) })::integer[],
                \(lines.map { Int32(clamping: $0.counts.repair) })::integer[],
                \(lines.map { Int32(clamping: $0.counts.look) })::integer[],
                \(lines.map { Int32(clamping: $0.counts.sweep) })::integer[],
                \(lines.map(\.finishesAt))::timestamptz[], \(lines.map(\.predictedAt))::timestamptz[]
            ) AS n (account, asked, people, repair, look, sweep, finishes_at, predicted_at)
            JOIN engine_leases l ON l.account = n.account AND l.holder = \(replica)
            JOIN k ON k.account = n.account
            WHERE p.account = n.account
            RETURNING p.account
            """,
            timeout: Housekeeping.interval
        )
        var accounts: Set<Int32> = []
        for row in taken { accounts.insert(try row.column("account", as: Int32.self)) }
        return accounts
    }
}
