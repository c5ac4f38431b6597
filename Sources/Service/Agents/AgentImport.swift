/// Brings agents from a file into the map.
///
/// What the file does not name stays as it is: absence is never "off", and an empty file removes nobody.
package struct AgentImport: Sendable {
    /// What a file changes, or would change.
    package struct Report: Sendable, Hashable {
        package var added = 0
        package var changed = 0
        package var unchanged = 0
        /// The lines that were refused; at most 100.
        package var faults: [AgentImportFile.Fault] = []
        package var isDryRun: Bool
        /// Whether anything was, or would be, refused.
        package var isComplete: Bool { faults.isEmpty }
    }

    private let directory: AgentDirectory

    /// Agents of one transaction: small enough not to keep clock events waiting, which share its lock.
    private static let chunk = 500

    package init(_ directory: AgentDirectory) {
        self.directory = directory
    }

    /// Compares a file with the database and, unless it is a dry run, writes what differs.
    ///
    /// With a fault in the file nothing is written. A line that only the database refuses (an unknown engine, an
    /// instance of another agent) is left out, and the others are written. Running it again changes nothing more.
    ///
    /// `author`: for the audit.
    /// Throws ``PQError``; what was written until then stays.
    package func run(_ file: AgentImportFile, isDryRun: Bool, author: String) async throws -> Report {
        var report = Report(isDryRun: isDryRun)
        guard file.faults.isEmpty else {
            report.faults = file.faults
            return report
        }
        var rest = file.rows[...]
        while !rest.isEmpty {
            let rows = Array(rest.prefix(Self.chunk))
            rest = rest.dropFirst(Self.chunk)
            let outcomes = try await directory.put(
                rows.map(\.spec),
                caller: nil,
                author: author,
                isDryRun: isDryRun
            )
            for (row, outcome) in zip(rows, outcomes) { report.take(outcome, line: row.line) }
        }
        return report
    }
}

extension AgentImport.Report {
    fileprivate mutating func take(_ outcome: AgentMapChange.Outcome, line: Int) {
        switch outcome {
        case .added: added += 1
        case .changed: changed += 1
        case .unchanged: unchanged += 1
        case .refused(let problem):
            guard faults.count < 100 else { return }
            faults.append(AgentImportFile.Fault(line: line, column: problem.field, detail: problem.detail))
        }
    }
}
