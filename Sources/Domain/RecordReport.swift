/// One report of a record, as far as its place among the record's other reports goes.
package struct RecordReport: Sendable, Hashable {
    /// The sender's number for what the record says; `nil` when the sender numbers nothing.
    package var version: Int64?
    /// When it was received; two reports of one record never share both this and the version.
    package var reportedAt: Timestamp

    package init(version: Int64?, reportedAt: Timestamp) {
        self.version = version
        self.reportedAt = reportedAt
    }
}

extension LedgerPunch {
    /// The report of its record that it belongs to.
    package var report: RecordReport { RecordReport(version: version, reportedAt: reportedAt) }
}

/// The report that says how a record is.
///
/// The highest version stands, and of two reports with the same one the later. A report without a version is newer than
/// all that was known of the record when it came: it counts as the next version after the highest by then, and as 1 when
/// it is the first, so that the making of a record (version 0) undoes nothing when it comes late.
///
/// - Parameter reports: all reports of one record but its withdrawal, in any order, repetitions among them.
/// - Returns: `nil` when there is none.
package func standingReport(_ reports: some Sequence<RecordReport>) -> RecordReport? {
    var standing: (report: RecordReport, version: Int64)?
    for report in Set(reports).sorted(by: cameBefore) {
        let known = max(standing?.version ?? 0, 0)
        let version = report.version ?? (known == .max ? known : known + 1)
        if version >= standing?.version ?? .min { standing = (report, version) }
    }
    return standing?.report
}

/// The order of arrival; of two that came at the same instant the one with the lower version comes first.
private func cameBefore(_ left: RecordReport, _ right: RecordReport) -> Bool {
    (left.reportedAt, left.version ?? .max) < (right.reportedAt, right.version ?? .max)
}
