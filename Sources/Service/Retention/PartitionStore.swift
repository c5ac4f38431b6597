import Domain
import LibPQ

/// Reads and changes the partitions of `deliveries` through the functions that may.
struct PartitionStore: Sendable {
    /// Rows deleted in one transaction.
    static let trimLimit: Int64 = 1_000
    /// The longest a step may take that nobody waits for: proving where the bodies of a large rest lie.
    static let longestStep: Duration = .seconds(600)

    let pool: PQPool

    /// What there is; a few rows of the catalogue.
    func read() async throws(PQError) -> DeliveryPartitions {
        let results = try await pool.pipeline([
            """
            SELECT now() AS now, date_trunc('month', now(), 'UTC') AS month,
                date_trunc('month', date_trunc('month', now(), 'UTC') + interval '40 days', 'UTC') AS next_month,
                date_trunc('month', date_trunc('month', now(), 'UTC') + interval '71 days', 'UTC') AS month_after,
                NOT EXISTS (SELECT FROM deliveries d WHERE d.tableoid = r.name::regclass) AS rest_is_empty
            FROM delivery_partitions() r
            WHERE r.kind = 'rest'
            """,
            "SELECT kind, name, lower_at, upper_at FROM delivery_partitions()",
        ])
        var state = DeliveryPartitions(now: Timestamp(seconds: 0), months: [], partitions: [], restIsEmpty: true)
        for row in results[0] {
            state.now = try row.column("now", as: Timestamp.self)
            state.months = [
                try row.column("month", as: Timestamp.self), try row.column("next_month", as: Timestamp.self),
                try row.column("month_after", as: Timestamp.self),
            ]
            state.restIsEmpty = try row.column("rest_is_empty", as: Bool.self)
        }
        for row in results[1] {
            guard let kind = DeliveryPartition.Kind(rawValue: try row.column("kind", as: String.self)) else { continue }
            state.partitions.append(
                DeliveryPartition(
                    kind: kind,
                    name: try row.column("name", as: String.self),
                    lowerAt: try row.column("lower_at", as: Timestamp?.self),
                    upperAt: try row.column("upper_at", as: Timestamp?.self)
                )
            )
        }
        return state
    }

    /// Takes a step; `false` while another replica takes one.
    func take(_ step: RetentionStep, keep: Duration) async throws(PQError) -> Bool {
        switch step {
        case .attach(let name):
            guard try await isDone("SELECT check_deliveries_apart(\(name)) AS done") else { return false }
            return try await isDone("SELECT attach_deliveries(\(name)) AS done")
        case .setRestApart: return try await isDone("SELECT set_deliveries_apart() AS done")
        case .make(let month): return try await isDone("SELECT make_delivery_partition(\(month)) AS done")
        case .drop(let name):
            return try await isDone(
                "SELECT drop_delivery_partition(\(name), make_interval(secs => \(keep.inSeconds))) AS done"
            )
        }
    }

    /// Deletes some old bodies; `nil` while another replica is at work.
    func trim(keep: Duration) async throws(PQError) -> Int64? {
        let result = try await pool.query(
            "SELECT trim_deliveries(make_interval(secs => \(keep.inSeconds)), \(Self.trimLimit)) AS count"
        )
        return try result.first?.column("count", as: Int64?.self)
    }

    private func isDone(_ statement: PQStatement) async throws(PQError) -> Bool {
        let result = try await pool.query(statement, timeout: Self.longestStep)
        return try result.first?.column("done", as: Bool?.self) ?? false
    }
}
