import Domain
import LibPQ

/// What stands in the ledger of one source: of every record its newest report, or that it was withdrawn.
///
/// Worked out apart from the fold under test.
struct StandingFacts {
    /// Something that the ledger says, in the terms of the cases.
    struct Fact: Hashable {
        var agent: String?
        var kind: String
        /// Whole seconds since 1970.
        var second: Int64
        var record: String?
        var ordinal: Int64
    }

    /// Something that a delivery added.
    struct News: Hashable {
        var agent: String?
        var kind: String
        var second: Int64
        var record: String?
        var supersedes: Bool
    }

    private struct Row {
        var fact: Fact
        var version: Int64?
        var receivedAt: Timestamp
        var effectiveAt: Timestamp
    }

    private(set) var facts: Set<Fact> = []
    /// All rows, whether they stand or not.
    private(set) var rowCount = 0
    /// Whether some report of a record has no version.
    private(set) var hasUnnumbered = false

    /// What lies after `now` does not count yet.
    init(of source: String, in pool: PQPool, now: Timestamp) async throws {
        let rows = try await pool.rows(
            """
            SELECT a.agent_id, e.kind::bigint AS kind, e.record, e.ordinal::bigint AS ordinal, e.version, e.received_at,
                e.effective_at, floor(extract(epoch FROM e.occurred_at))::bigint AS second
            FROM clock_events e
            JOIN clock_sources s ON s.source_id = e.source_id
            LEFT JOIN agents a ON a.agent = e.agent
            WHERE s.name = \(source)
            ORDER BY e.received_at, e.sequence
            """
        ) { row throws(PQError) in
            Row(
                fact: Fact(
                    agent: try row.column("agent_id", as: String?.self),
                    kind: PunchKind(code: Int16(try row.column("kind", as: Int64.self)))?.rawValue ?? "?",
                    second: try row.column("second", as: Int64.self),
                    record: try row.column("record", as: String?.self),
                    ordinal: try row.column("ordinal", as: Int64.self)
                ),
                version: try row.column("version", as: Int64?.self),
                receivedAt: try row.column("received_at", as: Timestamp.self),
                effectiveAt: try row.column("effective_at", as: Timestamp.self)
            )
        }
        rowCount = rows.count
        hasUnnumbered = rows.contains { $0.fact.record != nil && $0.version == nil && $0.fact.kind != "void" }
        let highest = rows.filter { $0.fact.record == nil }.compactMap(\.version).max()
        for row in rows where row.fact.record == nil && row.effectiveAt <= now && row.version == highest {
            facts.insert(row.fact)
        }
        for (_, rows) in Dictionary(grouping: rows.filter { $0.fact.record != nil }, by: { $0.fact.record ?? "" }) {
            facts.formUnion(Self.standing(rows).map(\.fact))
        }
    }

    /// The rows of one record that stand; `rows` in the order of their arrival.
    private static func standing(_ rows: [Row]) -> [Row] {
        if let withdrawal = rows.first(where: { $0.fact.kind == "void" }) { return [withdrawal] }
        var standing: (version: Int64, receivedAt: Timestamp, rows: [Row])?
        for row in rows {
            if let known = standing, known.receivedAt == row.receivedAt {
                standing?.rows.append(row)
                continue
            }
            let version = row.version ?? (standing?.version ?? 0) + 1
            if let known = standing, version < known.version { continue }
            standing = (version, row.receivedAt, [row])
        }
        return standing?.rows ?? []
    }

    /// What is news about agents we know.
    func news(since before: StandingFacts) -> Set<News> {
        Set(
            facts.subtracting(before.facts).filter { $0.agent != nil }.map { fact in
                let isCorrection =
                    fact.record != nil
                    && before.facts.contains {
                        $0.record == fact.record && $0.kind == fact.kind && $0.ordinal == fact.ordinal
                    }
                return News(
                    agent: fact.agent,
                    kind: fact.kind,
                    second: fact.second,
                    record: fact.record,
                    supersedes: isCorrection
                )
            }
        )
    }
}
