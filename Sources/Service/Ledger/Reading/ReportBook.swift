import Domain
import FoundationEssentials

/// What the ledger holds of the records that a batch is about, to tell a repeated report from news.
///
/// Only reports without a version need that: what such a report says may have been true before, and be news again. Equal
/// to what stands it is a repetition, and else it is newer than all that was known.
///
/// Pure.
struct ReportBook {
    /// A report, and what it says.
    private struct Known {
        var report: RecordReport
        var content: UUID

        /// Whether it is the same report: with a version, whenever it came.
        func isSame(_ other: RecordReport, _ otherContent: UUID) -> Bool {
            report == other || (report.version != nil && report.version == other.version && content == otherContent)
        }
    }

    private var known: [RecordKey: [Known]] = [:]
    /// The identities of punches whose person was erased: what they said can be told by nothing else any more.
    private var erased: Set<UUID> = []

    /// `rows`: all that the ledger holds of the records, in any order.
    init(_ rows: [StoredPunch]) {
        let reports = Dictionary(grouping: rows.filter { $0.punch.kind != .void }) { row in
            Place(record: row.record, report: row.report)
        }
        for (place, rows) in reports {
            let content = EventIdentity.report(rows.map(\.punch))
            known[place.record, default: []].append(Known(report: place.report, content: content))
        }
        erased = Set(rows.filter { ErasedName.isErased($0.punch.externalID) }.map(\.dedupe))
    }

    /// The events with the identities that they have beside what is known; those of one report stay together.
    ///
    /// Every event but a repetition keeps its own, so that the same batch tried again after an unknown commit meets its
    /// own rows.
    mutating func identified(_ events: [IncomingEvent]) -> [IncomingEvent] {
        var identified = events
        // Of one batch, too, the later report is the newer.
        let places = events.indices.filter { events[$0].report != nil }
            .sorted { (events[$0].receivedAt, $0) < (events[$1].receivedAt, $1) }
        for place in places {
            let event = events[place]
            guard let record = event.recordKey, let content = event.report else { continue }
            let own = RecordReport(version: event.version, reportedAt: event.receivedAt)
            if event.version == nil, let standing = standing(of: record), standing.report != own,
                standing.content == content || erased.contains(event.identity(in: standing.report))
            {
                identified[place].dedupe = event.identity(in: standing.report)
            } else if known[record, default: []].allSatisfy({ !$0.isSame(own, content) }) {
                known[record, default: []].append(Known(report: own, content: content))
            }
        }
        return identified
    }

    private func standing(of record: RecordKey) -> Known? {
        let reports = known[record, default: []]
        let standing = standingReport(reports.map(\.report))
        return reports.first { $0.report == standing }
    }

    private struct Place: Hashable {
        var record: RecordKey
        var report: RecordReport
    }
}

/// A punch of a record as the ledger has it.
struct StoredPunch: Sendable, Hashable {
    var dedupe: UUID
    var record: RecordKey
    var report: RecordReport
    var punch: ReportedPunch
}

extension IncomingEvent {
    /// Whether it takes a look into the ledger to tell whether it is a repetition.
    var isUnnumberedReport: Bool { report != nil && version == nil }

    /// The record that it belongs to.
    var recordKey: RecordKey? { record.map { RecordKey(source: sourceID, id: $0) } }

    /// The identity that it would have as a part of a report that says the same.
    fileprivate func identity(in other: RecordReport) -> UUID {
        guard let record, let report else { return dedupe }
        return EventIdentity.ofRecord(
            record,
            version: other.version,
            report: report,
            reportedAt: other.reportedAt,
            kind: kind,
            ordinal: ordinal,
            sourceID: sourceID
        )
    }
}
