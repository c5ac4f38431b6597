/// Whether a punch counts among all of its agent's, and if not, why.
package enum PunchStanding: String, Sendable, Hashable, CaseIterable {
    case stands
    /// A later report of its record stands instead.
    case superseded
    /// Its record was deleted.
    case withdrawn
    /// Its record is another agent's by now.
    case reassigned
    /// Its record ends before or when it begins.
    case empty
    /// A higher number of the same source under the same name contradicts it.
    case overtaken
}

/// How each punch of an agent stands, by its sequence.
///
/// The fold counts those that stand, and no others. What withdraws a record stands itself.
///
/// - Parameter punches: all punches of one agent, with what was said of their records about others; in any order.
/// - Returns: a standing for every sequence among them.
package func standings(_ punches: [LedgerPunch]) -> [Int64: PunchStanding] {
    let records = RecordStandings(punches)
    return Dictionary(punches.map { ($0.sequence, records.standing(of: $0)) }) { first, _ in first }
}

/// What is to be known of an agent's records before one can tell how a punch stands.
struct RecordStandings {
    private var withdrawn: Set<RecordKey> = []
    private var standing: [RecordKey: RecordReport] = [:]
    /// Records whose standing report is about another agent.
    private var ofAnother: Set<RecordKey> = []
    private var starts: [RecordKey: Timestamp] = [:]
    private var empty: Set<RecordKey> = []
    private var overtaken: Set<Int64>

    init(_ punches: [LedgerPunch]) {
        var reports: [RecordKey: [RecordReport]] = [:]
        for punch in punches {
            guard let record = punch.record else { continue }
            if punch.kind == .void {
                withdrawn.insert(record)
            } else {
                reports[record, default: []].append(punch.report)
            }
        }
        standing = reports.mapValues(standingReport).compactMapValues { $0 }
        overtaken = overtakenVersions(punches)
        for punch in punches {
            guard let record = punch.record, punch.kind != .void, standing[record] == punch.report else { continue }
            if punch.isOfAnother {
                ofAnother.insert(record)
            } else if punch.kind == .clockIn {
                starts[record] = punch.effectiveAt
            }
        }
        for punch in punches where punch.kind == .clockOut && !punch.isOfAnother {
            guard let record = punch.record, standing[record] == punch.report, let start = starts[record],
                punch.effectiveAt <= start
            else { continue }
            empty.insert(record)
        }
    }

    /// A withdrawn record is said to be withdrawn, whatever else could be said of it.
    func standing(of punch: LedgerPunch) -> PunchStanding {
        guard let record = punch.record else { return overtaken.contains(punch.sequence) ? .overtaken : .stands }
        if punch.kind == .void { return .stands }
        if withdrawn.contains(record) { return .withdrawn }
        if punch.isOfAnother { return .reassigned }
        if standing[record] != punch.report { return ofAnother.contains(record) ? .reassigned : .superseded }
        return empty.contains(record) ? .empty : .stands
    }

    /// Whether the record is an interval; one that has no start is one thing that happened.
    func hasStart(_ record: RecordKey) -> Bool { starts[record] != nil }
}

/// The punches that count: those without a record, and of each record its standing report (``standingReport(_:)``).
///
/// Punches of a record that has no start lose their record.
func standingPunches(_ punches: [LedgerPunch]) -> [LedgerPunch] {
    guard punches.contains(where: { $0.record != nil || $0.version != nil }) else { return punches }
    let records = RecordStandings(punches)
    return punches.compactMap { punch in
        guard punch.kind != .void || punch.record == nil, records.standing(of: punch) == .stands else { return nil }
        var punch = punch
        if let record = punch.record, !records.hasStart(record) { punch.record = nil }
        return punch
    }
}

/// The punches without a record that a higher version of the same source under the same name contradicts: it happened no
/// later.
///
/// Such a version orders what the source says under the name, and wins over the sender's clock. An agent may have several
/// names of one source (a second account at the vendor), each with numbers of its own.
///
/// - Returns: their sequences.
private func overtakenVersions(_ punches: [LedgerPunch]) -> Set<Int64> {
    let numbered = punches.filter { $0.record == nil && $0.version != nil }
    var overtaken: Set<Int64> = []
    for (_, punches) in Dictionary(grouping: numbered, by: NumberedName.init) {
        let byVersion = Dictionary(grouping: punches) { $0.version ?? .min }.sorted { $0.key > $1.key }
        var earliestAbove: Timestamp?
        for (_, punches) in byVersion {
            if let earliestAbove {
                overtaken.formUnion(punches.filter { $0.effectiveAt >= earliestAbove }.map(\.sequence))
            }
            let earliest = punches.map(\.effectiveAt).min()
            earliestAbove = [earliestAbove, earliest].compactMap { $0 }.min()
        }
    }
    return overtaken
}

/// Under what a source numbers what it says without a record.
private struct NumberedName: Hashable {
    var source: Int32
    var externalID: String?

    init(_ punch: LedgerPunch) {
        source = punch.source
        externalID = punch.externalID
    }
}
