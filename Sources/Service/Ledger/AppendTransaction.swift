import Domain
import FoundationEssentials
import LibPQ

/// One batch of events, from the lock to the commit: two pipelined steps of one transaction.
///
/// Where a sender may not speak of everybody, who is outside is asked first, and left out.
/// Step 1 locks the batch's agents, adds the events and reads what is known of the agents. Then Swift folds,
/// derives and decides. Step 2 writes the states, the queue rows and, where this replica acts for the account, the
/// intents, and commits. One fsync covers all of it.
struct AppendTransaction: Sendable {
    let pool: PQPool
    let leases: LeaseBook
    let policy: ReconcilePolicy
    let clock: DatabaseClock
    /// The longest a batch may take; then its connection is given up and the events' senders get a 503.
    let timeout: Duration
    var crashPoints = CrashPoints()

    /// What came of a batch.
    struct Result: Sendable {
        /// In the order of the events.
        var outcomes: [AppendOutcome]
        /// What to carry out now that it is committed.
        var plans: [Plan]
        /// Agents that stand otherwise than before.
        var changed: [Int64] = []
        /// Commands of tries before whose intents may stand, and which nobody sends.
        var lost: [LostCommand] = []
    }

    /// `events`: 1 to ``AppendQueue/batchLimit`` events; an identity may occur more than once.
    ///
    /// `deliveries`: the bodies that some of them came in. One that repeats what was said of somebody who is erased since, and
    /// says nothing new, is not kept: it would bring the name back.
    /// `tried`: told of the commands before they are committed.
    func run(
        _ events: [IncomingEvent],
        deliveries: [BatchDelivery] = [],
        tried: TriedCommands = TriedCommands()
    ) async throws -> Result {
        let accounts = leases.heldAccounts()
        return try await pool.withTransaction { transaction in
            let outside = try await outsiders(among: events, in: transaction)
            guard !outside.isEmpty else {
                return try await append(events, deliveries, accounts, tried, in: transaction)
            }
            let inside = events.indices.filter { !outside.contains($0) }
            guard !inside.isEmpty else { return Result(outcomes: events.map { _ in .outsideTeam }, plans: []) }
            return try await append(
                inside.map { events[$0] },
                deliveries.map { $0.moved(past: outside) },
                accounts,
                tried,
                in: transaction
            )
            .spread(to: inside, of: events.count)
        }
    }

    /// Appends events that their senders may send, all of them or nothing, and commits.
    private func append(
        _ events: [IncomingEvent],
        _ deliveries: [BatchDelivery],
        _ accounts: [Int32],
        _ tried: TriedCommands,
        in transaction: PQTransaction
    ) async throws -> Result {
        let (distinct, read) = try await add(events, accounts: accounts, in: transaction)
        crashPoints.reach(.appendBetweenSteps)
        let now = clock.now()
        var batch = try AppendBatch(distinct.events, read)
        if !batch.othersToRead.isEmpty {
            let others = [LedgerStatements.subjects(of: batch.othersToRead)]
            try batch.read(others: try await transaction.run(others, timeout: timeout)[0])
        }
        let late = batch.foldWhatIsEnough(now: now)
        var writes = try await refold(late, of: &batch, now: now, in: transaction)
        let changes = batch.changes(policy: policy, now: now)
        let plans = batch.plans(for: changes, leases: leases, policy: policy, now: now)
        let changed = changes.filter(\.value.differs).map(\.key)
        writes += PlanStatements.all(
            agents: Array(changes.values),
            plans: plans,
            terms: batch.terms,
            now: now
        )
        tried.begin(plans)
        crashPoints.reach(.appendDecided)
        let effects = deliveries.isEmpty ? [] : distinct.spread(batch.effects(changes: changes, now: now))
        guard !batch.replays.isEmpty, !deliveries.isEmpty else {
            if !deliveries.isEmpty {
                writes.append(LedgerStatements.keep(deliveries.map { $0.kept(distinct, effects) }))
            }
            if !batch.replays.isEmpty { writes.append(LedgerStatements.stored(batch.replays)) }
            let written = try await transaction.run(writes, commit: true, timeout: timeout)
            let stored = batch.replays.isEmpty ? [:] : try written.last.map(StoredEvent.read) ?? [:]
            let outcomes = batch.outcomes(changes: changes, stored: stored, now: now)
            return Result(outcomes: distinct.spread(outcomes), plans: plans, changed: changed)
        }
        let stored = try await transaction.run([LedgerStatements.stored(batch.replays)], timeout: timeout)
        let outcomes = batch.outcomes(changes: changes, stored: try StoredEvent.read(stored[0]), now: now)
        let (erased, new) = (try batch.erased(stored[0]), batch.newPlaces)
        let kept = deliveries.filter { delivery in
            !distinct.hasAny(of: erased, at: delivery.places) || distinct.hasAny(of: new, at: delivery.places)
        }
        if !kept.isEmpty { writes.append(LedgerStatements.keep(kept.map { $0.kept(distinct, effects) })) }
        _ = try await transaction.run(writes, commit: true, timeout: timeout)
        return Result(outcomes: distinct.spread(outcomes), plans: plans, changed: changed)
    }

    /// Step 1: locks, adds and reads, in one round trip, or in two where reports without a version must be compared with
    /// what the ledger holds.
    private func add(
        _ events: [IncomingEvent],
        accounts: [Int32],
        in transaction: PQTransaction
    ) async throws -> (DistinctEvents, AddedRows) {
        guard events.contains(where: { $0.record != nil }) else {
            let distinct = DistinctEvents(events)
            let read = try await transaction.run(
                [
                    LedgerStatements.holdMap,
                    LedgerStatements.lock(distinct.events, accounts: accounts),
                    LedgerStatements.append(distinct.events),
                ],
                timeout: timeout
            )
            return (distinct, AddedRows(locked: read[1], appended: read[2]))
        }
        let lock = LedgerStatements.lockWithRecords(events, accounts: accounts)
        guard events.contains(where: \.isUnnumberedReport) else {
            let distinct = DistinctEvents(events)
            let read = try await transaction.run(
                [
                    LedgerStatements.holdMap, LedgerStatements.lockRecords(events), lock,
                    LedgerStatements.known(distinct.events), LedgerStatements.append(distinct.events),
                ],
                timeout: timeout
            )
            return (distinct, AddedRows(locked: read[2], appended: read[4], known: read[3]))
        }
        let known = try await transaction.run(
            [LedgerStatements.holdMap, LedgerStatements.lockRecords(events), lock, LedgerStatements.reports(events)],
            timeout: timeout
        )
        var book = ReportBook(try LedgerStatements.readReports(known[3]))
        let distinct = DistinctEvents(book.identified(events))
        let read = try await transaction.run(
            [LedgerStatements.known(distinct.events), LedgerStatements.append(distinct.events)],
            timeout: timeout
        )
        return (distinct, AddedRows(locked: known[2], appended: read[1], known: read[0]))
    }
}

/// What the first step of a batch's transaction read.
struct AddedRows {
    /// Of ``LedgerStatements/lock(_:accounts:)``; `nil` where nothing is written, and so nothing needs to be locked.
    var locked: PQResult?
    /// Of ``LedgerStatements/append(_:)``.
    var appended: PQResult
    /// Of ``LedgerStatements/known(_:)``; `nil` for a batch without records.
    var known: PQResult?
}

/// A batch without repetitions, and the way back.
struct DistinctEvents {
    private(set) var events: [IncomingEvent] = []
    /// For each event of the batch its place in ``events``.
    private var places: [Int] = []
    private var isFirst: [Bool] = []

    init(_ all: [IncomingEvent]) {
        var seen: [UUID: Int] = [:]
        for event in all {
            if let place = seen[event.dedupe] {
                places.append(place)
                isFirst.append(false)
            } else {
                seen[event.dedupe] = events.count
                places.append(events.count)
                isFirst.append(true)
                events.append(event)
            }
        }
        originals = all
    }

    private let originals: [IncomingEvent]

    /// Whether some of these events are among those at some places of the batch.
    ///
    /// `events`: places in ``events``.
    func hasAny(of events: Set<Int>, at places: Range<Int>) -> Bool {
        places.contains { events.contains(self.places[$0]) }
    }

    /// The identity of an event of the batch.
    func identity(at place: Int) -> UUID { originals[place].dedupe }

    func event(at place: Int) -> IncomingEvent { originals[place] }

    /// Whether no earlier event of the batch is the same.
    func isFirst(at place: Int) -> Bool { isFirst[place] }

    /// One agent per event of the batch.
    func spread(agents: [Int64?]) -> [Int64?] { places.map { agents[$0] } }

    /// One effect per event of the batch; a repetition within the batch is a replay, or a conflict.
    func spread(_ effects: [KeptEffect]) -> [KeptEffect] {
        places.indices.map { place in
            if isFirst[place] { return effects[places[place]] }
            let first = events[places[place]]
            return originals[place].says(theSameAs: first) ? .replayed : .conflict
        }
    }

    /// One outcome per event of the batch; a repetition within the batch is a replay, or a conflict when it says
    /// something else.
    func spread(_ outcomes: [AppendOutcome]) -> [AppendOutcome] {
        zip(places, zip(isFirst, originals)).map { place, original in
            let outcome = outcomes[place]
            guard !original.0, case .receipt(var receipt) = outcome else { return outcome }
            guard original.1.says(the: receipt) else { return .conflict }
            receipt.isReplay = true
            return .receipt(receipt)
        }
    }
}

extension IncomingEvent {
    /// Whether this event says the same as another under its id.
    fileprivate func says(theSameAs other: IncomingEvent) -> Bool {
        record != nil
            || (externalID == other.externalID && kind == other.kind
                && (!hasOwnTime || occurredAt == other.occurredAt))
    }

    /// Whether this event says the same as the one that stands under its id.
    func says(the receipt: Receipt) -> Bool {
        // What belongs to a record is the same by its identity, however it is worded.
        record != nil
            || (externalID == receipt.agentID && kind == receipt.kind
                && (!hasOwnTime || occurredAt == receipt.occurredAt))
    }
}
