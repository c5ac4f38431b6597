import Domain
import FoundationEssentials
import LibPQ

/// One batch of events, from the lock to the commit: two pipelined steps of one transaction.
///
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

    /// What came of a batch.
    struct Result: Sendable {
        /// In the order of the events.
        var outcomes: [AppendOutcome]
        /// What to carry out now that it is committed.
        var plans: [Plan]
    }

    /// `events`: 1 to ``AppendQueue/batchLimit`` events; an identity may occur more than once.
    ///
    /// `deliveries`: the bodies that some of them came in.
    func run(_ events: [IncomingEvent], deliveries: [KeptDelivery] = []) async throws -> Result {
        let distinct = DistinctEvents(events)
        let accounts = leases.heldAccounts()
        return try await pool.withTransaction { transaction in
            let read = try await transaction.run(
                [
                    LedgerStatements.holdMap,
                    LedgerStatements.lock(distinct.events, accounts: accounts),
                    LedgerStatements.append(distinct.events),
                ],
                timeout: timeout
            )
            let now = clock.now()
            var batch = try AppendBatch(distinct.events, locked: read[1], appended: read[2])
            let late = batch.foldWhatIsEnough(now: now)
            if !late.isEmpty {
                let punches = try await transaction.run([LedgerStatements.punches(of: late)], timeout: timeout)
                batch.refold(try LedgerStatements.readPunches(punches[0]), agents: late, now: now)
            }
            let changes = batch.changes(policy: policy, now: now)
            let plans = batch.plans(for: changes, leases: leases, policy: policy, now: now)
            var writes = PlanStatements.all(
                agents: Array(changes.values),
                plans: plans,
                term: batch.terms.values.max() ?? 0,
                now: now
            )
            if !deliveries.isEmpty { writes.append(LedgerStatements.keep(deliveries)) }
            if !batch.replays.isEmpty { writes.append(LedgerStatements.stored(batch.replays)) }
            let written = try await transaction.run(writes, commit: true, timeout: timeout)
            let stored = batch.replays.isEmpty ? nil : written.last
            let outcomes = try batch.outcomes(changes: changes, stored: stored, now: now)
            return Result(outcomes: distinct.spread(outcomes), plans: plans)
        }
    }
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
    /// Whether this event says the same as the one that stands under its id.
    func says(the receipt: Receipt) -> Bool {
        externalID == receipt.agentID && kind == receipt.kind && (!hasOwnTime || occurredAt == receipt.occurredAt)
    }
}
