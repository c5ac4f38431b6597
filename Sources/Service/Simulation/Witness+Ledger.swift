import Domain
import FoundationEssentials

/// What the ledger and the agents' states have to be after every commit.
extension Witness.State {
    /// A batch of events was committed; whether its senders hear of it is another matter.
    mutating func appended(_ tables: MemoryTables, agents: [Int64], now: Timestamp) {
        takeEvents(tables)
        for agent in agents { checkState(agent, tables, now: now) }
    }

    /// Takes in what the ledger grew by, and checks that no row is gone.
    mutating func takeEvents(_ tables: MemoryTables) {
        let lost = events.count - tables.events.count
        guard lost <= 0 else { return violate(.ledgerOnlyGrows, "\(lost) rows are gone") }
        for place in events.count..<tables.events.count {
            let event = tables.events[place]
            events.append(event)
            if event.event.kind == .void, let record = event.event.record { withdrawn.insert(record) }
            takeRow(event.event)
        }
    }

    /// Once a second, and after a failover: compares every row with what it was when it came.
    mutating func checkLedger(_ tables: MemoryTables) {
        takeEvents(tables)
        guard tables.events != events else {
            // One array from here on, so that as long as nobody writes there is nothing to compare.
            events = tables.events
            return
        }
        for (place, event) in events.enumerated() where place < tables.events.count && tables.events[place] != event {
            violate(.ledgerOnlyGrows, "row \(place + 1) is not what it was")
        }
    }

    private mutating func checkState(_ agent: Int64, _ tables: MemoryTables, now: Timestamp) {
        guard let row = tables.agents[agent] else { return }
        let stored = row.facts.state
        // Whoever folded it last may have been ahead by what two clocks may differ.
        let seen = max(now, min(stored.last?.effectiveAt ?? now, now + Witness.clockTolerance))
        checkTold(agent, row, tables, now: seen)
        let folded = fold(tables.punches(of: [agent])[agent] ?? [], now: seen)
        guard
            stored.shift == folded.shift && stored.since == folded.since && stored.last == folded.last
                && stored.nextPunchAt == folded.nextPunchAt
        else {
            return violate(.stateIsRefold, "\(row.id) is stored as \(stored), the ledger says \(folded)")
        }
    }

    /// Somebody was given unmatched events.
    ///
    /// `before`: what the agent did until then.
    mutating func claimed(_ agent: Int64, before: Shift, _ tables: MemoryTables, now: Timestamp) {
        checkState(agent, tables, now: now)
        guard let row = tables.agents[agent], before == .out, row.facts.state.shift != .out else { return }
        let youngest = tables.matches.filter { $0.value == agent }.keys
            .map { tables.punch($0) }
            .filter { $0.kind == .clockIn && $0.effectiveAt <= now }
            .map(\.effectiveAt).max()
        guard let youngest, now - youngest > rules.policy.unmatchedMaxAge else { return }
        violate(.oldNewsStartsNothing, "\(row.id) came on shift by an unmatched event of \(youngest.rfc3339)")
    }

    /// What ledger and holds say of an agent; both states where an event that comes due just now tells them apart.
    ///
    /// That is one that came due after the last fold, or, by a clock that was ahead, before it.
    func desired(_ agent: Int64, _ tables: MemoryTables, now: Timestamp) -> Set<RunState> {
        guard let row = tables.agents[agent], !row.facts.isLeaving else { return [.stopped] }
        let future = now + .microseconds(1)
        let openFrom = min(row.facts.state.nextPunchAt ?? future, future)
        let rows = counting(agent, tables)
        let open = rows.map(\.effectiveAt).filter { instant in
            instant >= openFrom && instant <= now + Witness.clockTolerance
        }
        let folds = [openFrom - .microseconds(1)] + open
        return Set(folds.map { wanted(row, told(rows, now: $0), now: now) })
    }

    /// Once a second: whether what lay in the future took effect.
    ///
    /// `isBeating`: whether somebody beats who could take it in, and nothing has broken lately.
    mutating func checkParked(_ tables: MemoryTables, isBeating: Bool, now: Timestamp) {
        guard isBeating, self.now - databaseUpSince > 10_000_000 else { return }
        for (_, row) in tables.agents.sorted(by: { $0.key < $1.key }) {
            guard let parked = row.facts.state.nextPunchAt, now - parked > .seconds(10) else { continue }
            violate(.parkedTakesEffect, "an event of \(row.id) at \(parked.rfc3339) has not taken effect")
        }
    }
}
