import Domain
import FoundationEssentials

/// The ledger: what ``AppendTransaction`` and ``AgentStates`` do, with the same admission, fold, matching and planning.
extension MemoryTables {
    /// Appends a batch under the leases that a replica believes it holds.
    mutating func append(
        _ events: [IncomingEvent],
        leases book: LeaseBook,
        policy: ReconcilePolicy,
        decider: @escaping Decider = decide,
        now: Timestamp
    ) -> AppendTransaction.Result {
        let distinct = DistinctEvents(identified(events))
        let known = known(Set(distinct.events.compactMap(\.recordKey)))
        let owners = distinct.events.map { agent(of: $0) }
        let answers = zip(distinct.events, owners).map { add($0, of: $1) }
        let terms = leases.filter { book.heldAccounts().contains($0.key) }.mapValues(\.term)
        var batch = AppendBatch(distinct.events, answers, terms: terms, known: known)
        batch.read(others: batch.othersToRead.map { about($0) })
        let late = batch.foldWhatIsEnough(now: now)
        if !late.isEmpty {
            let waiting = batch.waiting(late)
            let settlement = Settlement(
                punches: punches(of: late),
                candidates: candidates(of: waiting),
                policy: policy,
                now: now
            )
            take(settlement.taken)
            batch.refold(settlement.punches, agents: late, now: now)
        }
        let changes = batch.changes(policy: policy, now: now)
        let plans = batch.plans(for: changes, leases: book, policy: policy, now: now, decider: decider)
        write(
            PassWriting(
                term: terms.values.max() ?? 0,
                now: now,
                changes: changes.keys.sorted().compactMap { changes[$0] },
                plans: plans
            )
        )
        let outcomes = batch.outcomes(changes: changes, stored: stored(batch.replays), now: now)
        return AppendTransaction.Result(outcomes: distinct.spread(outcomes), plans: plans)
    }

    private mutating func add(_ event: IncomingEvent, of agent: Int64?) -> AppendedEvent {
        var answer = agent.map { about($0) } ?? AppendedEvent()
        guard identities[event.dedupe] == nil else { return answer }
        events.append(Event(event: event, agent: agent))
        identities[event.dedupe] = events.count
        answer.sequence = Int64(events.count)
        if let agent { placesOfAgent[agent, default: []].append(events.count - 1) }
        if let record = event.recordKey { placesOfRecord[record, default: []].append(events.count - 1) }
        return answer
    }

    private func about(_ agent: Int64) -> AppendedEvent {
        var answer = AppendedEvent(agent: agent)
        guard let row = agents[agent] else { return answer }
        answer.facts = row.facts
        answer.subject = instance(of: agent).flatMap { subject($0) }
        answer.hasLeftOut = leftOut.values.contains(agent)
        return answer
    }

    private func stored(_ identities: [UUID]) -> [UUID: StoredEvent] {
        var stored: [UUID: StoredEvent] = [:]
        for identity in identities {
            guard let sequence = self.identities[identity] else { continue }
            let event = events[sequence - 1].event
            stored[identity] = StoredEvent(
                sequence: Int64(sequence),
                kind: event.kind,
                externalID: event.externalID,
                occurredAt: event.occurredAt,
                receivedAt: event.receivedAt
            )
        }
        return stored
    }

    func punch(_ sequence: Int64) -> LedgerPunch {
        let event = events[Int(sequence) - 1].event
        return LedgerPunch(
            sequence: sequence,
            kind: event.kind,
            effectiveAt: event.effectiveAt,
            source: event.sourceID,
            externalID: event.externalID,
            record: event.recordKey,
            ordinal: event.ordinal,
            version: event.version,
            reportedAt: event.receivedAt
        )
    }

    func punches(of agents: [Int64]) -> [Int64: [LedgerPunch]] {
        var punches: [Int64: [LedgerPunch]] = [:]
        for agent in agents {
            let own = placesOfAgent[agent, default: []].map { punch(Int64($0) + 1) }
            punches[agent] = own + ofOthers(own, than: agent)
        }
        return punches
    }

    private func candidates(of agents: [Int64]) -> [Int64: [LedgerPunch]] {
        var candidates: [Int64: [LedgerPunch]] = [:]
        for sequence in leftOut.keys.sorted() {
            guard let agent = leftOut[sequence], agents.contains(agent) else { continue }
            candidates[agent, default: []].append(punch(sequence))
        }
        for (agent, own) in candidates { candidates[agent] = own + ofOthers(own, than: agent) }
        return candidates
    }

    private mutating func take(_ taken: [Int64: [Int64]]) {
        for (agent, sequences) in taken {
            for sequence in sequences {
                matches[sequence] = agent
                leftOut[sequence] = nil
                placesOfAgent[agent, default: []].append(Int(sequence) - 1)
            }
        }
    }

    /// Those of some agents who have an event whose time has come.
    func due(_ numbers: [Int64], at instant: Timestamp) -> [Int64] {
        numbers.filter { number in agents[number]?.facts.state.nextPunchAt.map { $0 <= instant } ?? false }
    }

    /// Folds agents' whole ledgers again and puts their instances in line: what ``AgentStates/settle(_:in:policy:now:)`` does.
    mutating func refold(_ numbers: [Int64], policy: ReconcilePolicy, now: Timestamp) -> [Wake] {
        let settlement = Settlement(
            punches: punches(of: numbers),
            candidates: candidates(of: numbers),
            policy: policy,
            now: now
        )
        take(settlement.taken)
        return store(numbers, policy: policy, now: now) { fold(settlement.punches[$0] ?? [], now: now) }
    }

    /// Derives what is desired anew: what ``AgentStates/recompute(_:in:policy:now:)`` does.
    mutating func recompute(_ numbers: [Int64], policy: ReconcilePolicy, now: Timestamp) -> [Wake] {
        store(numbers, policy: policy, now: now) { _ in nil }
    }

    private mutating func store(
        _ numbers: [Int64],
        policy: ReconcilePolicy,
        now: Timestamp,
        state: (Int64) -> ShiftState?
    ) -> [Wake] {
        var wakes: [Wake] = []
        for number in Set(numbers).sorted() {
            guard let before = agents[number]?.facts else { continue }
            let change = rederive(before, state: state(number), policy: policy, now: now)
            if change.differs { agents[number]?.facts = change.after }
            if let instance = instance(of: number), let account = instances[instance]?.account {
                wakes.append(Wake(instance: instance, account: account))
            }
        }
        enqueue(wakes, at: now)
        return wakes
    }

    /// Gives an agent the unmatched events under its name: what mapping somebody does.
    mutating func claim(_ agent: Int64, policy: ReconcilePolicy, now: Timestamp) -> [Wake] {
        guard let id = agents[agent]?.id else { return [] }
        for (place, event) in events.enumerated() where event.agent == nil && event.event.externalID == id {
            let sequence = Int64(place) + 1
            if matches[sequence] == nil { leftOut[sequence] = agent }
        }
        return refold([agent], policy: policy, now: now)
    }
}
