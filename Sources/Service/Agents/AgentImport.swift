/// Brings agents from a file into the map.
///
/// What the file does not name stays as it is: absence is never "off", and an empty file removes nobody.
package struct AgentImport: Sendable {
    /// What a file changes, or would change.
    package struct Report: Sendable, Hashable {
        package var added = 0
        package var changed = 0
        package var unchanged = 0
        /// Unmatched events that agents got by their aliases or ids.
        package var applied = 0
        /// Agents whose part has to wait for somebody, in the file's order, at most 100; and how many there are.
        package var held: [String] = []
        package var heldCount = 0
        /// The change that waits, to be approved or refused.
        package var heldChange: Int64?
        /// The lines that were refused; at most 100.
        package var faults: [AgentImportFile.Fault] = []
        /// Of a dry run without faults, what the guard would say.
        package var forecast: GuardForecast?
        package var isDryRun: Bool
        /// Whether nothing was, or would be, refused.
        package var isComplete: Bool { faults.isEmpty }
    }

    private let directory: AgentDirectory

    /// Agents of one transaction: small enough not to keep clock events waiting, which share its lock.
    private static let chunk = 500

    package init(_ directory: AgentDirectory) {
        self.directory = directory
    }

    /// Compares a file with the database as a whole and, unless it is a dry run, writes what differs.
    ///
    /// With one fault nothing is written, be it in the file itself or one that only the database knows of (an unknown
    /// engine, an instance of an agent that does not give it up in the same portion of the file or an earlier one). Only what
    /// others change meanwhile can leave out a line. Running the same file again goes on where one that was broken off ended,
    /// and otherwise changes nothing.
    ///
    /// `author`: for the audit.
    /// `onDifference`: gets what differs, in the file's order, before anything is written.
    /// Throws ``PQError``; what was written until then stays.
    package func run(
        _ file: AgentImportFile,
        isDryRun: Bool,
        author: String,
        onDifference: (AgentDifference) -> Void = { _ in }
    ) async throws -> Report {
        guard file.faults.isEmpty else { return Report(faults: file.faults, isDryRun: isDryRun) }
        var (report, differing, heirs) = try await compare(file, onDifference)
        report.isDryRun = isDryRun
        guard report.isComplete else { return report }
        let whole = try await weigh(file, differing, author: author)
        if isDryRun {
            report.forecast = try await forecast(file, differing, heirs, of: whole, author: author)
            return report
        }
        report.added = 0
        report.changed = 0
        var ticket = GuardTicket()
        ticket.whole = whole
        try await portions(of: file, differing) { rows in
            let (outcomes, applied, held) = try await directory.put(
                rows.map(\.spec),
                caller: nil,
                author: author,
                origin: .listing(ticket)
            )
            ticket = held.ticket
            report.applied += applied
            report.take(held, rows)
            for (row, outcome) in zip(rows, outcomes) where outcome != .unchanged {
                report.take(outcome, line: row.line)
            }
        }
        return report
    }

    /// Does something with each portion in which there is anything to write, in the file's order.
    private func portions(
        of file: AgentImportFile,
        _ differing: [Bool],
        _ body: ([AgentImportFile.Row]) async throws -> Void
    ) async throws {
        var chunks = file.chunks(of: Self.chunk)
        for differs in differing {
            guard let rows = chunks.next() else { break }
            if differs { try await body(rows) }
        }
    }

    /// Weighs the whole before any of it is written: what is too much waits as a whole, whatever its portions are.
    ///
    /// A session that moves between agents of different portions counts with neither, since no portion is really written; it
    /// does once it is.
    ///
    /// - Returns: `nil` where one portion is the whole, which is then judged by itself.
    private func weigh(
        _ file: AgentImportFile,
        _ differing: [Bool],
        author: String
    ) async throws -> GuardWeight? {
        guard differing.count(where: \.self) > 1 else { return nil }
        var whole = try await directory.weight()
        try await portions(of: file, differing) { rows in
            try await directory.weigh(rows.map(\.spec), into: &whole, author: author)
        }
        return whole
    }

    /// Asks what the guard would say, portion by portion as the import has them.
    ///
    /// `heirs`: who is to get the session of an agent. It waits where the agent's part waits, also in a later portion.
    /// `whole`: as ``weigh(_:_:author:)`` has it.
    private func forecast(
        _ file: AgentImportFile,
        _ differing: [Bool],
        _ heirs: [String: String],
        of whole: GuardWeight?,
        author: String
    ) async throws -> GuardForecast {
        var forecast = GuardForecast(try await directory.weight(), of: whole)
        var passed: Int64 = 0
        var staying: Set<String> = []
        try await portions(of: file, differing) { rows in
            let (held, changing, passing) = try await directory.preview(
                rows.map { staying.contains($0.spec.agentID) ? $0.spec.keepingSession : $0.spec },
                passed: passed,
                of: whole,
                author: author
            )
            passed += passing
            forecast.changing += changing
            for var agentID in held.agents.keys {
                while let heir = heirs[agentID], staying.insert(heir).inserted { agentID = heir }
            }
            let waiting = rows.map(\.spec.agentID).filter { held.agents[$0] != nil || staying.contains($0) }
            forecast.heldCount += waiting.count
            forecast.held += waiting.prefix(AgentImportFile.faultLimit - forecast.held.count)
        }
        return forecast
    }

    /// Compares every chunk; returns what would change, for each chunk whether there is anything to write, and who is to get the
    /// session of an agent.
    private func compare(
        _ file: AgentImportFile,
        _ onDifference: (AgentDifference) -> Void
    ) async throws -> (report: Report, differing: [Bool], heirs: [String: String]) {
        var report = Report(isDryRun: true)
        var differing: [Bool] = []
        var heirs: [String: String] = [:]
        // No session stands twice in a file, so who is given one by an earlier chunk gives up the one they have.
        var moved: Set<String> = []
        var chunks = file.chunks(of: Self.chunk)
        while let rows = chunks.next() {
            let comparison = try await directory.compare(rows.map(\.spec), mayMove: moved.contains)
            differing.append(comparison.differs)
            heirs.merge(comparison.heirs) { first, _ in first }
            moved.formUnion(rows.filter { $0.spec.instance != .keep }.map(\.spec.agentID))
            for (place, outcome) in comparison.outcomes.enumerated() {
                report.take(outcome, line: rows[place].line)
                if outcome == .added || outcome == .changed { onDifference(comparison.differences[place]) }
            }
        }
        return (report, differing, heirs)
    }
}

extension AgentImport.Report {
    fileprivate mutating func take(_ part: HeldParts, _ rows: [AgentImportFile.Row]) {
        guard !part.agents.isEmpty else { return }
        heldChange = part.change ?? heldChange
        heldCount += part.agents.count
        for row in rows where part.agents[row.spec.agentID] != nil && held.count < AgentImportFile.faultLimit {
            held.append(row.spec.agentID)
        }
    }

    fileprivate mutating func take(_ outcome: AgentMapChange.Outcome, line: Int) {
        switch outcome {
        case .added: added += 1
        case .changed: changed += 1
        case .unchanged: unchanged += 1
        case .refused(let problem):
            guard faults.count < AgentImportFile.faultLimit else { return }
            faults.append(AgentImportFile.Fault(line: line, column: problem.field, detail: problem.detail))
        }
    }
}
