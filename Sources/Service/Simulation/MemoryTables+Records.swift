import Domain

/// What the ledger knows of records: what ``LedgerStatements`` ask for where a batch has some.
extension MemoryTables {
    /// Of whom, and how, records were said so far: what ``LedgerStatements/known(_:)`` asks for.
    func known(_ records: Set<RecordKey>) -> [RecordKey: KnownRecord] {
        var known: [RecordKey: KnownRecord] = [:]
        for record in records {
            for place in placesOfRecord[record, default: []] {
                let event = events[place].event
                known[record, default: KnownRecord()].take(
                    of: owner(of: place),
                    version: event.version,
                    reportedAt: event.receivedAt,
                    isWithdrawn: event.kind == .void,
                    hasUnnumbered: event.version == nil
                )
            }
        }
        return known
    }

    /// Whom an event is about, as the ledger has it before the event's batch: the withdrawal of a record that names nobody is about
    /// whoever the record was said of.
    func agent(of event: IncomingEvent) -> Int64? {
        if let name = event.externalID { return agentNumbers[name] }
        guard let record = event.recordKey else { return nil }
        return placesOfRecord[record, default: []].compactMap { owner(of: $0) }.first
    }

    /// Whose a row is by its place: given, matched, or to decide on.
    private func owner(of place: Int) -> Int64? {
        let sequence = Int64(place) + 1
        return events[place].agent ?? matches[sequence] ?? leftOut[sequence]
    }

    /// Events with the identities that they have beside what the ledger holds: a report without a version that says what stands
    /// is a repetition, see ``ReportBook``.
    func identified(_ events: [IncomingEvent]) -> [IncomingEvent] {
        let records = Set(events.filter(\.isUnnumberedReport).compactMap(\.recordKey))
        guard !records.isEmpty else { return events }
        var book = ReportBook(records.flatMap { placesOfRecord[$0, default: []] }.compactMap { stored($0) })
        return book.identified(events)
    }

    private func stored(_ place: Int) -> StoredPunch? {
        let event = events[place].event
        return event.recordKey.map { record in
            StoredPunch(
                dedupe: event.dedupe,
                record: record,
                report: RecordReport(version: event.version, reportedAt: event.receivedAt),
                punch: ReportedPunch(
                    externalID: event.externalID,
                    kind: event.kind,
                    ordinal: event.ordinal,
                    occurredAt: event.occurredAt
                )
            )
        }
    }

    /// What was said of an agent's records that is not theirs: about somebody else, or that they are withdrawn.
    ///
    /// `own`: punches of the agent.
    func ofOthers(_ own: [LedgerPunch], than agent: Int64) -> [LedgerPunch] {
        let records = Set(own.compactMap(\.record)).sorted { ($0.source, $0.id) < ($1.source, $1.id) }
        let known = Set(own.map(\.sequence))
        return records.flatMap { placesOfRecord[$0, default: []] }.compactMap { place in
            let sequence = Int64(place) + 1
            guard !known.contains(sequence), events[place].agent != agent, matches[sequence] != agent else {
                return nil
            }
            var punch = punch(sequence)
            punch.isOfAnother = true
            return punch
        }
    }

    /// The agents of whom something was said in rows of the ledger, or of the records that those rows are about.
    func agents(of rows: ArraySlice<Event>) -> [Int64] {
        let records = Set(rows.compactMap(\.event.recordKey))
        let places = records.flatMap { placesOfRecord[$0, default: []] }
        let ofRecords = places.compactMap { events[$0].agent ?? matches[Int64($0) + 1] }
        return Set(rows.compactMap(\.agent) + ofRecords).sorted()
    }
}
