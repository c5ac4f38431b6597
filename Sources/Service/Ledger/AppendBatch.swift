import Domain
import FoundationEssentials
import LibPQ

/// What a batch learned in its first step, and what follows from it.
///
/// Pure but for decoding.
struct AppendBatch {
    let events: [IncomingEvent]
    /// For each event, the sequence it got; `nil` for one that was there already.
    var sequences: [Int64?]
    /// For each event, its agent; `nil` while nobody knows it.
    var agentOf: [Int64?]
    var facts: [Int64: AgentFacts] = [:]
    var subjects: [Int64: Subject] = [:]
    private var folded: [Int64: ShiftState] = [:]
    /// What was said before of the batch's records.
    var known: [RecordKey: KnownRecord] = [:]
    /// Agents of whom the batch's records were said before, and whom no event of the batch is about.
    var others: Set<Int64> = []
    /// Agents who left out unmatched events: what is new may be the end of one.
    var withLeftOut: Set<Int64> = []
    /// The agents whose states are locked; `nil` where nothing needs to be.
    var lockedAgents: Set<Int64>?
    /// The terms of the leases, as share-locked.
    var terms: [Int32: Int64] = [:]

    /// A record got its first event between the lock and the append, so an agent takes part who is not locked; the same
    /// batch will lock it.
    struct AgentNotLocked: Error {}

    init(_ events: [IncomingEvent], _ read: AddedRows) throws {
        let appended = read.appended
        self.events = events
        sequences = Array(repeating: nil, count: events.count)
        agentOf = Array(repeating: nil, count: events.count)
        lockedAgents = try read.locked.map { locked in try takeLocked(locked) }
        let place = try appended.decoder("place", as: Int64.self)
        let sequence = try appended.decoder("sequence", as: Int64?.self)
        let agent = try appended.decoder("agent", as: Int64?.self)
        let rows = try SubjectRows(appended)
        let hasLeftOut = try appended.decoder("has_left_out", as: Bool.self)
        for row in appended {
            let index = Int(try place[row]) - 1
            sequences[index] = try sequence[row]
            guard let agent = try agent[row] else { continue }
            if let lockedAgents, !lockedAgents.contains(agent) { throw AgentNotLocked() }
            agentOf[index] = agent
            guard facts[agent] == nil else { continue }
            if try hasLeftOut[row] { withLeftOut.insert(agent) }
            facts[agent] = try rows.agentFacts(row)
            subjects[agent] = try rows.subject(row)
        }
        guard let rows = read.known else { return }
        known = try KnownRecord.read(rows)
        others = saidBefore
    }

    /// The agents of whom the batch's records were said before and about whom nothing has been read yet, in order.
    var othersToRead: [Int64] { others.sorted() }

    /// Takes in what is known of ``othersToRead``; those who are no more stay as they were.
    mutating func read(others result: PQResult) throws {
        let rows = try SubjectRows(result)
        let hasLeftOut = try result.decoder("has_left_out", as: Bool.self)
        for row in rows.rows {
            guard let other = try rows.agentFacts(row) else { continue }
            if let lockedAgents, !lockedAgents.contains(other.agent) { throw AgentNotLocked() }
            if try hasLeftOut[row] { withLeftOut.insert(other.agent) }
            facts[other.agent] = other
            subjects[other.agent] = try rows.subject(row)
        }
    }

    /// Takes in the terms, and gives the agents whose states are locked.
    private mutating func takeLocked(_ locked: PQResult) throws(PQError) -> Set<Int64> {
        var agents: Set<Int64> = []
        let lockedAgent = try locked.decoder("agent", as: Int64?.self)
        let account = try locked.decoder("account", as: Int32?.self)
        let term = try locked.decoder("term", as: Int64?.self)
        for row in locked {
            if let agent = try lockedAgent[row] { agents.insert(agent) }
            if let account = try account[row], let term = try term[row] { terms[account] = term }
        }
        return agents
    }

    /// The agent of each event; `nil` while nobody knows it.
    var agents: [Int64?] { agentOf }

    /// The new events as punches, each with its agent.
    var newPunches: [(agent: Int64?, punch: LedgerPunch)] {
        events.indices.compactMap { sequences[$0] == nil ? nil : (agentOf[$0], punch($0)) }
    }

    /// The identities of the events that were there already.
    var replays: [UUID] {
        events.indices.compactMap { sequences[$0] == nil ? events[$0].dedupe : nil }
    }

    /// The places of the events that were there already, about people who are erased since.
    ///
    /// `stored`: the rows of ``LedgerStatements/stored(_:)``.
    func erased(_ stored: PQResult) throws(PQError) -> Set<Int> {
        let originals = try StoredEvent.read(stored)
        return Set(
            events.indices.filter { index in
                sequences[index] == nil && ErasedName.isErased(originals[events[index].dedupe]?.externalID)
            }
        )
    }

    /// The places of the events that are new.
    var newPlaces: Set<Int> { Set(events.indices.filter { sequences[$0] != nil }) }

    /// Folds the new punches into the agents' states where the state is enough to go on from.
    ///
    /// - Returns: the agents for whom it is not, in order.
    mutating func foldWhatIsEnough(now: Timestamp) -> [Int64] {
        let news = news()
        var late = others.union(ofSharedRecords).filter { facts[$0] != nil }
        late.formUnion(news.filter { $0.mayClose && withLeftOut.contains($0.agent) }.map(\.agent))
        for news in news where !late.contains(news.agent) {
            guard let state = folded[news.agent] ?? facts[news.agent]?.state else { continue }
            if let next = step(state, news, now: now) {
                folded[news.agent] = next
            } else {
                late.insert(news.agent)
            }
        }
        return late.sorted()
    }

    /// Those of some agents who have to decide anew on what they left out.
    ///
    /// `late`: of ``foldWhatIsEnough(now:)``; of these all punches are read.
    func waiting(_ late: [Int64]) -> [Int64] { late.filter(withLeftOut.contains) }

    /// In the order of what happened.
    private func news() -> [BatchNews] {
        var news: [BatchNews] = []
        var placeOfRecord: [RecordKey: Int] = [:]
        for index in events.indices where sequences[index] != nil {
            guard let agent = agentOf[index] else { continue }
            let punch = punch(index)
            if let record = punch.record, let place = placeOfRecord[record], news[place].agent == agent {
                news[place].add(punch)
            } else {
                if let record = punch.record { placeOfRecord[record] = news.count }
                news.append(BatchNews(agent: agent, first: punch, place: index))
            }
        }
        return news.sorted()
    }

    private func step(_ state: ShiftState, _ news: BatchNews, now: Timestamp) -> ShiftState? {
        guard let record = news.punches[0].record else { return Domain.step(state, news.punches[0], now: now) }
        return Domain.step(
            state,
            report: news.punches,
            known: known[record]?.reports(of: news.agent),
            now: now
        )
    }

    /// Folds the whole ledger of the agents for whom the state was not enough.
    mutating func refold(_ punches: [Int64: [LedgerPunch]], agents: [Int64], now: Timestamp) {
        for agent in agents { folded[agent] = fold(punches[agent] ?? [], now: now) }
    }

    /// What changes about the batch's agents.
    func changes(policy: ReconcilePolicy, now: Timestamp) -> [Int64: AgentChange] {
        var changes: [Int64: AgentChange] = [:]
        for (agent, before) in facts {
            changes[agent] = rederive(before, state: folded[agent], policy: policy, now: now)
        }
        return changes
    }

    /// The plans for the instances of agents of whom something else may be desired now.
    ///
    /// Never with a restart: whether one may go while many sessions fail alike, a pass knows (``RestartGate``). So the row is
    /// due at once, and the pass over it decides.
    func plans(
        for changes: [Int64: AgentChange],
        leases: LeaseBook,
        policy: ReconcilePolicy,
        now: Timestamp,
        decider: @escaping Decider = decide
    ) -> [Plan] {
        changes.keys.sorted().compactMap { agent in
            guard let change = changes[agent], change.isNewGeneration, let subject = subjects[change.after.agent] else {
                return nil
            }
            let lease = leases.lease(of: subject.account)
            var context = PlanningContext(
                policy: leases.policy(policy, for: subject.account),
                now: now,
                mayAct: lease != nil && lease?.term == terms[subject.account],
                isAccountRefused: leases.isRefused(subject.account),
                mayHaveLeftUntil: leases.mayHaveLeft(subject.instance, of: subject.account, now: now),
                decider: decider
            )
            let made = plan(subject, agent: change, priority: .people, context: context)
            guard made.command?.action == .restart else { return made }
            context.mayAct = false
            return plan(subject, agent: change, priority: .people, context: context)
        }
    }

    /// The answer to each event.
    ///
    /// `stored`: what the ledger has of the replays, by identity.
    func outcomes(
        changes: [Int64: AgentChange],
        stored originals: [UUID: StoredEvent],
        now: Timestamp
    ) -> [AppendOutcome] {
        var outcomes: [AppendOutcome] = []
        outcomes.reserveCapacity(events.count)
        for index in events.indices {
            let event = events[index]
            let agent = agentOf[index]
            var receipt = Receipt(
                eventID: event.eventID,
                agentID: event.externalID,
                kind: event.kind,
                occurredAt: event.occurredAt,
                receivedAt: event.receivedAt,
                sequence: sequences[index] ?? 0,
                isReplay: false,
                effect: effect(of: event, agent.flatMap { changes[$0] }, now: now),
                agent: agent.flatMap { changes[$0]?.after },
                instance: agent.flatMap { subjects[$0]?.instance },
                warnings: event.warnings
            )
            if sequences[index] == nil, let original = originals[event.dedupe] {
                receipt.sequence = original.sequence
                receipt.isReplay = original.receivedAt != event.receivedAt
                receipt.receivedAt = original.receivedAt
                guard original.isSame(as: event) else {
                    outcomes.append(.conflict)
                    continue
                }
                receipt.occurredAt = original.occurredAt
            }
            outcomes.append(.receipt(receipt))
        }
        return outcomes
    }

    /// What each event does, for who reads later what became of it.
    func effects(changes: [Int64: AgentChange], now: Timestamp) -> [KeptEffect] {
        events.indices.map { index in
            guard sequences[index] != nil else { return .replayed }
            return .effect(effect(of: events[index], agentOf[index].flatMap { changes[$0] }, now: now))
        }
    }

    private func effect(of event: IncomingEvent, _ change: AgentChange?, now: Timestamp) -> EventEffect {
        guard let change else { return .unmatched }
        if event.effectiveAt > now { return .parked }
        let shiftMoved =
            change.before.state.shift != change.after.state.shift
            || change.before.state.since != change.after.state.since
        if let last = change.after.state.last, event.order < last { return shiftMoved ? .applied : .superseded }
        return change.after.state.since == event.effectiveAt ? .applied : .recorded
    }

    private func punch(_ index: Int) -> LedgerPunch {
        let event = events[index]
        return LedgerPunch(
            sequence: sequences[index] ?? 0,
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
}

extension IncomingEvent {
    /// Its place in the order of what happened.
    var order: PunchOrder { PunchOrder(effectiveAt: effectiveAt, rank: kind.rank) }
}
