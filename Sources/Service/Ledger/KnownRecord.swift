import Domain
import LibPQ

/// What the ledger held of a record before a batch.
struct KnownRecord: Sendable, Hashable {
    /// Of whom it was said; `nil` for somebody whom nobody knows.
    private(set) var agents: Set<Int64?> = []
    /// The highest version, and when the latest report was received.
    private var version: Int64?
    private var reportedAt = Timestamp(microseconds: .min)
    private var isWithdrawn = false
    private var hasUnnumbered = false

    /// The same as far as it matters for one agent's state.
    func reports(of agent: Int64) -> KnownReports {
        KnownReports(
            areOrdinary: agents == [agent] && !isWithdrawn && (version == nil || !hasUnnumbered),
            version: version,
            reportedAt: reportedAt
        )
    }

    /// Reads the rows of ``LedgerStatements/known(_:)``.
    static func read(_ result: PQResult) throws(PQError) -> [RecordKey: KnownRecord] {
        let source = try result.decoder("source_id", as: Int32.self)
        let record = try result.decoder("record", as: String.self)
        let agent = try result.decoder("agent", as: Int64?.self)
        let version = try result.decoder("version", as: Int64?.self)
        let reportedAt = try result.decoder("reported_at", as: Timestamp.self)
        let isWithdrawn = try result.decoder("is_withdrawn", as: Bool.self)
        let hasUnnumbered = try result.decoder("has_unnumbered", as: Bool.self)
        var records: [RecordKey: KnownRecord] = [:]
        for row in result {
            let key = RecordKey(source: try source[row], id: try record[row])
            records[key, default: KnownRecord()].take(
                of: try agent[row],
                version: try version[row],
                reportedAt: try reportedAt[row],
                isWithdrawn: try isWithdrawn[row],
                hasUnnumbered: try hasUnnumbered[row]
            )
        }
        return records
    }

    /// Takes in what was said of the record about one agent.
    ///
    /// `version`: the highest; `nil` without any.
    /// `reportedAt`: when the latest of it was received.
    mutating func take(
        of agent: Int64?,
        version: Int64?,
        reportedAt: Timestamp,
        isWithdrawn: Bool,
        hasUnnumbered: Bool
    ) {
        agents.insert(agent)
        if let version { self.version = max(version, self.version ?? version) }
        self.reportedAt = max(self.reportedAt, reportedAt)
        if isWithdrawn { self.isWithdrawn = true }
        if hasUnnumbered { self.hasUnnumbered = true }
    }
}
