import Domain
import FoundationEssentials

/// What a database does when a bug is planted in the statements.
extension SimulatedDatabase {
    /// A heartbeat that takes leases wrongly.
    func plantedBeat(_ heartbeat: Heartbeat, _ tables: inout MemoryTables, _ now: Timestamp) -> HeartbeatAnswer? {
        let before = tables.leases
        switch planted {
        case .termNotRaised:
            let answer = tables.beat(heartbeat, now: now)
            for (account, lease) in before where tables.leases[account]?.term != lease.term {
                tables.leases[account]?.term = max(1, lease.term)
            }
            return HeartbeatAnswer(
                terms: answer.terms.reduce(into: [:]) { $0[$1.key] = tables.leases[$1.key]?.term },
                yielding: answer.yielding,
                due: answer.due,
                lastWake: answer.lastWake,
                hasMore: answer.hasMore,
                lastOverdue: answer.lastOverdue,
                parked: answer.parked,
                otherReplicas: answer.otherReplicas,
                now: answer.now
            )
        case .leaseStolen:
            tables.replicas = tables.replicas.filter { replica, row in
                replica == heartbeat.replica || row.expiresAt >= now + .milliseconds(2500)
            }
            return tables.beat(heartbeat, now: now)
        default: return nil
        }
    }

    func spoil(_ answer: inout HeartbeatAnswer) {
        if planted == .parkedForgotten { answer.parked = [] }
        if planted == .wakeLost { answer.due = [] }
        if planted == .clockAhead { answer.now = answer.now + .seconds(2) }
        if planted == .handoverForgotten {
            answer.handovers = answer.handovers.mapValues { _ in Handover(spent: 0, age: .seconds(2)) }
        }
    }

    func write(_ writing: PassWriting, _ tables: inout MemoryTables) {
        let queue = tables.queue
        tables.write(writing)
        if planted == .intentNotWritten { tables.forgetIntents() }
        guard planted == .queueKept else { return }
        for plan in writing.plans where plan.releasesQueue {
            tables.queue[plan.subject.instance] = queue[plan.subject.instance]
        }
    }

    /// Appends a batch, wrongly where a bug of the append is planted.
    func append(
        _ events: [IncomingEvent],
        _ tables: inout MemoryTables,
        _ append: (inout MemoryTables, [IncomingEvent]) -> AppendTransaction.Result
    ) -> AppendTransaction.Result {
        switch planted {
        case .duplicatesCounted:
            for event in events { tables.identities[event.dedupe] = nil }
            return append(&tables, events)
        case .orderByArrival:
            return self.append(events, &tables, append) { event, _ in event.effectiveAt = event.receivedAt }
        case .versionsIgnored:
            return self.append(events, &tables, append) { event, known in
                if event.version != nil { event.version = Int64(1000 + known) }
            }
        case .withdrawalUnheeded:
            return self.append(events, &tables, append) { event, _ in
                if event.kind == .void { event.record = nil }
            }
        case .rewritesHistory:
            tables.rewrite(events)
            return append(&tables, events)
        case .intentNotWritten:
            let result = append(&tables, events)
            tables.forgetIntents()
            return result
        case .requestMarksStopped:
            let result = append(&tables, events)
            tables.markStopped()
            return result
        default: return append(&tables, events)
        }
    }

    /// Appends events as a mistake takes them, while the ledger keeps what was said.
    ///
    /// `spoil`: told of the event, and of how many rows the ledger had before the batch.
    private func append(
        _ events: [IncomingEvent],
        _ tables: inout MemoryTables,
        _ append: (inout MemoryTables, [IncomingEvent]) -> AppendTransaction.Result,
        spoil: (inout IncomingEvent, Int) -> Void
    ) -> AppendTransaction.Result {
        let known = tables.events.count
        var spoilt = events
        for place in spoilt.indices { spoil(&spoilt[place], known) }
        let result = append(&tables, spoilt)
        for place in tables.events.indices.dropFirst(known) {
            let original = events.first { $0.dedupe == tables.events[place].event.dedupe }
            if let original { tables.events[place].event = original }
        }
        return result
    }
}

extension MemoryTables {
    /// Writes events over the rows that they have already.
    fileprivate mutating func rewrite(_ events: [IncomingEvent]) {
        for event in events {
            guard let sequence = identities[event.dedupe] else { continue }
            self.events[sequence - 1].event = event
        }
    }

    /// Takes whoever should be stopped for stopped.
    fileprivate mutating func markStopped() {
        for (number, instance) in instances {
            guard let agent = instance.agent, agents[agent]?.facts.desired == .stopped else { continue }
            instances[number]?.subject.evidence.reading = .status(.stopped)
        }
    }

    /// Takes the commands away that nobody knows the outcome of.
    mutating func forgetIntents() {
        commands.removeAll { $0.endedAt == nil }
    }

    /// Whether a command's intent is committed.
    func hasIntent(_ id: Int64, of instance: Int64) -> Bool {
        commands.contains { $0.intent.instance == instance && $0.intent.id == id }
    }
}
