import Domain
import LibPQ

/// What the ledger held of a record before a batch.
struct KnownRecord: Sendable, Hashable {
    /// Of whom it was said; `nil` for somebody whom nobody knows.
    private(set) var agents: Set<Int64?> = []
    private var version = Int64.min
    private var areOrdinary = true

    /// The same as far as it matters for one agent's state.
    func reports(of agent: Int64) -> KnownReports {
        KnownReports(version: version, areOrdinary: areOrdinary && agents == [agent])
    }

    /// Reads the rows of ``LedgerStatements/known(_:)``.
    static func read(_ result: PQResult) throws(PQError) -> [RecordKey: KnownRecord] {
        let source = try result.decoder("source_id", as: Int32.self)
        let record = try result.decoder("record", as: String.self)
        let agent = try result.decoder("agent", as: Int64?.self)
        let version = try result.decoder("version", as: Int64?.self)
        let areOrdinary = try result.decoder("are_ordinary", as: Bool.self)
        var records: [RecordKey: KnownRecord] = [:]
        for row in result {
            let key = RecordKey(source: try source[row], id: try record[row])
            var known = records[key] ?? KnownRecord()
            known.agents.insert(try agent[row])
            known.version = max(known.version, try version[row] ?? .min)
            let isOrdinary = try areOrdinary[row]
            known.areOrdinary = known.areOrdinary && isOrdinary
            records[key] = known
        }
        return records
    }
}
