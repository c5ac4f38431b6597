import Domain
import FoundationEssentials

/// What the ledger and the agents' states have to be after every commit.
extension Witness.State {
    /// A batch of events was committed; whether its senders hear of it is another matter.
    mutating func appended(_ tables: MemoryTables, agents: [Int64], now: Timestamp) {
        takeEvents(tables)
        for agent in agents { checkState(agent, tables, now: now) }
    }

    /// Takes in what the ledger grew by, and checks that what was there is as it was.
    mutating func takeEvents(_ tables: MemoryTables) {
        let lost = events.count - tables.events.count
        guard lost <= 0 else { return violate(.ledgerOnlyGrows, "\(lost) rows are gone") }
        for place in events.count..<tables.events.count {
            let event = tables.events[place]
            events.append(event)
            if event.event.kind == .void, let record = event.event.record { withdrawn.insert(record) }
            guard !identities.insert(event.event.dedupe).inserted else { continue }
            violate(.eventOnce, "event \(event.event.eventID) is in the ledger twice")
        }
    }

    /// Compares every row with what it was when it came.
    mutating func checkLedger(_ tables: MemoryTables) {
        takeEvents(tables)
        for (place, event) in events.enumerated() where place < tables.events.count && tables.events[place] != event {
            violate(.ledgerOnlyGrows, "row \(place + 1) is not what it was")
        }
    }

    /// A failover lost the last appends, which no standby had: none of them may have been answered, and none of their intents
    /// leads to anything.
    mutating func cutLedger(to tables: MemoryTables) {
        for event in events.dropFirst(tables.events.count) {
            tell("event \(event.event.eventID) is lost, as no standby had it")
            identities.remove(event.event.dedupe)
            guard answered.contains(event.event.dedupe) else { continue }
            violate(.acknowledgedIsInLedger, "event \(event.event.eventID) was answered 2xx and is lost")
        }
        events = Array(events.prefix(tables.events.count))
        withdrawn = Set(events.map(\.event).filter { $0.kind == .void }.compactMap(\.record))
        for (instance, track) in tracks {
            let lost = track.intents.filter { $0.verdict == nil && !tables.hasIntent($0.id, of: instance) }
            guard !lost.isEmpty else { continue }
            tracks[instance]?.intents.removeAll { intent in lost.contains { $0.id == intent.id } }
            let stops = lost.count { $0.action == .stop }
            tracks[instance]?.stopsOfFailed = max(0, track.stopsOfFailed - stops)
        }
    }

    mutating func acknowledged(_ event: IncomingEvent) {
        tell("answered 202 to \(event.eventID)")
        answered.insert(event.dedupe)
        guard !identities.contains(event.dedupe) else { return }
        violate(.acknowledgedIsInLedger, "event \(event.eventID) was answered 2xx and is not in the ledger")
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

    /// What ledger and holds say of an agent; `nil` within a moment of a parked event's time, when either may be right.
    func desired(_ agent: Int64, _ tables: MemoryTables, now: Timestamp) -> RunState? {
        guard let row = tables.agents[agent] else { return .stopped }
        if row.facts.isLeaving { return .stopped }
        let isNearParked = counting(agent, tables).contains { event in
            // By the clock of who took it, it may not be in the future.
            if event.effectiveAt > now { return event.effectiveAt <= now + Witness.clockTolerance }
            return event.effectiveAt > event.receivedAt && event.effectiveAt > now - .seconds(30)
        }
        if isNearParked || row.facts.state.nextPunchAt.map({ $0 <= now }) ?? false { return nil }
        return wanted(row, tables, now: now)
    }

    /// Once a second: whether what lay in the future took effect.
    mutating func checkParked(_ tables: MemoryTables, isBeating: Bool, now: Timestamp) {
        guard isBeating, self.now - databaseUpSince > 10_000_000 else { return }
        for (_, row) in tables.agents.sorted(by: { $0.key < $1.key }) {
            guard let parked = row.facts.state.nextPunchAt, now - parked > .seconds(10) else { continue }
            violate(.parkedTakesEffect, "an event of \(row.id) at \(parked.rfc3339) has not taken effect")
        }
    }
}
