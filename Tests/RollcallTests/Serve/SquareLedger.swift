import Domain
import LibPQ

/// What stands in the ledger of one source: of every record its newest version, or that it was withdrawn.
///
/// Worked out in SQL, apart from the fold under test.
struct SquareLedger {
    struct Row: Hashable {
        var agent: String?
        var kind: String
        /// Whole seconds since 1970.
        var second: Int64
        var record: String?
        var ordinal: Int64
    }

    /// Something that a delivery added, as the cases say it.
    struct Fact: Hashable {
        var agent: String?
        var kind: String
        var second: Int64
        var record: String?
        var supersedes: Bool
    }

    private(set) var rows: Set<Row>

    init(of source: String, in pool: PQPool) async throws {
        let found = try await pool.rows(
            """
            WITH own AS (
                SELECT e.*
                FROM clock_events e
                JOIN clock_sources s ON s.source_id = e.source_id
                WHERE s.name = \(source)
            ), newest AS (
                SELECT record, bool_or(kind = 5) AS is_withdrawn, max(version) AS version
                FROM own
                GROUP BY record
            )
            SELECT a.agent_id, o.kind::bigint AS kind, o.record, o.ordinal::bigint AS ordinal,
                floor(extract(epoch FROM o.occurred_at))::bigint AS second
            FROM own o
            JOIN newest n ON n.record IS NOT DISTINCT FROM o.record
            LEFT JOIN agents a ON a.agent = o.agent
            WHERE CASE WHEN n.is_withdrawn THEN o.kind = 5 ELSE o.version IS NOT DISTINCT FROM n.version END
            """
        ) { row throws(PQError) in
            Row(
                agent: try row.column("agent_id", as: String?.self),
                kind: PunchKind(code: Int16(try row.column("kind", as: Int64.self)))?.rawValue ?? "?",
                second: try row.column("second", as: Int64.self),
                record: try row.column("record", as: String?.self),
                ordinal: try row.column("ordinal", as: Int64.self)
            )
        }
        rows = Set(found)
    }

    /// What is news about agents we know.
    func news(since before: SquareLedger) -> Set<Fact> {
        let added = rows.subtracting(before.rows).filter { $0.agent != nil }
        return Set(
            added.map { row in
                let isCorrection = before.rows.contains {
                    $0.record == row.record && $0.kind == row.kind && $0.ordinal == row.ordinal
                }
                return Fact(
                    agent: row.agent,
                    kind: row.kind,
                    second: row.second,
                    record: row.record,
                    supersedes: isCorrection
                )
            }
        )
    }
}
