import Domain
import FoundationEssentials
import LibPQ

/// What would come of events if they were appended now, found out by reading alone.
///
/// The statements that only read are those of ``AppendTransaction``, and so are the fold, the derivation and the effects; in
/// place of adding the events it looks which of them there are already. Runs in a transaction that must not write, and
/// takes no lock that an append would wait for.
struct AppendPreview: Sendable {
    let pool: PQPool
    let policy: ReconcilePolicy

    /// How long one statement may take.
    static let timeout: Duration = .seconds(2)

    /// What would come of one event.
    struct Foresight: Sendable {
        /// As it would be added, with the identity that it would have.
        var event: IncomingEvent
        var outcome: AppendOutcome
        /// Whether it is in the ledger already, or earlier in the same delivery.
        var isKnown: Bool
        /// The surrogate key of its agent; `nil` while nobody knows it.
        var agent: Int64?
        /// The agent's id.
        var agentID: String?
    }

    /// Looks what would come of a delivery's events.
    ///
    /// `events`: up to ``DeliveryAdmission/eventLimit``, in the order of their delivery.
    /// `now`: the time at which they would be appended.
    func foresee(_ events: [IncomingEvent], now: Timestamp) async throws -> [Foresight] {
        guard !events.isEmpty else { return [] }
        return try await pool.withTransaction(isolation: .repeatableRead) { transaction in
            try await transaction.run(["SET TRANSACTION READ ONLY"], timeout: Self.timeout)
            return try await foresee(events, now: now, in: transaction)
        }
    }

    private func foresee(
        _ events: [IncomingEvent],
        now: Timestamp,
        in transaction: PQTransaction
    ) async throws -> [Foresight] {
        let distinct = DistinctEvents(try await identified(events, in: transaction))
        let read = try await transaction.run(
            [
                LedgerStatements.lookUp(distinct.events), LedgerStatements.known(distinct.events),
                LedgerStatements.punches(ofRecords: distinct.events),
                LedgerStatements.stored(distinct.events.map(\.dedupe)),
            ],
            timeout: Self.timeout
        )
        var batch = try AppendBatch(distinct.events, AddedRows(locked: nil, appended: read[0], known: read[1]))
        if !batch.othersToRead.isEmpty {
            let others = [LedgerStatements.subjects(of: batch.othersToRead)]
            try batch.read(others: try await transaction.run(others, timeout: Self.timeout)[0])
        }
        let late = batch.foldWhatIsEnough(now: now)
        if !late.isEmpty {
            let waiting = batch.waiting(late)
            let stored = try await transaction.run(
                [LedgerStatements.punches(of: late), UnmatchedStatements.candidates(of: waiting)],
                timeout: Self.timeout
            )
            let punches = ForeseenPunches(
                stored: try LedgerStatements.readPunches(stored[0]),
                ofRecords: try LedgerStatements.readRecordPunches(read[2]),
                new: batch.newPunches
            )
            let settlement = try Settlement(
                punches: punches.punches(of: late),
                candidates: stored[1],
                policy: policy,
                now: now
            )
            batch.refold(settlement.punches, agents: late, now: now)
        }
        let changes = batch.changes(policy: policy, now: now)
        let stored = try StoredEvent.read(read[3])
        let outcomes = distinct.spread(batch.outcomes(changes: changes, stored: stored, now: now))
        let known = Set(batch.replays)
        let agents = distinct.spread(agents: batch.agents)
        let ids = try await agentIDs(Set(agents.compactMap { $0 }), in: transaction)
        return events.indices.map { place in
            Foresight(
                event: distinct.event(at: place),
                outcome: outcomes[place],
                isKnown: !distinct.isFirst(at: place) || known.contains(distinct.identity(at: place)),
                agent: agents[place],
                agentID: agents[place].flatMap { ids[$0] }
            )
        }
    }

    /// The events with the identities that they have beside what the ledger holds.
    private func identified(_ events: [IncomingEvent], in transaction: PQTransaction) async throws -> [IncomingEvent] {
        guard events.contains(where: \.isUnnumberedReport) else { return events }
        let known = try await transaction.run([LedgerStatements.reports(events)], timeout: Self.timeout)
        var book = ReportBook(try LedgerStatements.readReports(known[0]))
        return book.identified(events)
    }

    /// Index: `agents_pkey`.
    private func agentIDs(_ agents: Set<Int64>, in transaction: PQTransaction) async throws -> [Int64: String] {
        guard !agents.isEmpty else { return [:] }
        let rows = try await transaction.rows(
            "SELECT agent, agent_id FROM agents WHERE agent = ANY (\(agents.sorted()))",
            timeout: Self.timeout
        ) { row throws(PQError) in
            (try row.column("agent", as: Int64.self), try row.column("agent_id", as: String.self))
        }
        return Dictionary(rows) { first, _ in first }
    }
}

/// The punches of agents as the ledger would hold them with a batch's new events in it.
///
/// Pure; what ``LedgerStatements/punches(of:)`` would give after the append.
struct ForeseenPunches {
    /// Of ``LedgerStatements/punches(of:)``.
    var stored: [Int64: [LedgerPunch]]
    /// All that is stored of the batch's records, each with the agent that it is about.
    var ofRecords: [(agent: Int64?, punch: LedgerPunch)]
    /// The batch's new events.
    var new: [(agent: Int64?, punch: LedgerPunch)]

    func punches(of agents: [Int64]) -> [Int64: [LedgerPunch]] {
        Dictionary(uniqueKeysWithValues: agents.map { ($0, punches(of: $0)) })
    }

    private func punches(of agent: Int64) -> [LedgerPunch] {
        let own = stored[agent, default: []]
        let knownRecords = Set(own.lazy.filter { !$0.isOfAnother }.compactMap(\.record))
        let added = new.filter { $0.agent == agent }.map(\.punch)
        let newRecords = Set(added.compactMap(\.record)).subtracting(knownRecords)
        let records = knownRecords.union(newRecords)
        let addedOfOthers = new.filter { $0.agent != agent && $0.punch.record.map(records.contains) ?? false }
        let storedOfOthers = ofRecords.filter { $0.agent != agent && $0.punch.record.map(newRecords.contains) ?? false }
        return own + added
            + (addedOfOthers + storedOfOthers).map { other in
                var punch = other.punch
                punch.isOfAnother = true
                return punch
            }
    }
}
