import Domain

/// What the ledger answered to one event of a batch, or knows of an agent whom its records were about before.
struct AppendedEvent: Sendable {
    /// The sequence it got; `nil` for one that was there already.
    var sequence: Int64?
    /// Its agent; `nil` while nobody knows it.
    var agent: Int64?
    var subject: Subject?
    var facts: AgentFacts?
    /// Whether the agent left out unmatched events.
    var hasLeftOut = false
}

extension AppendBatch {
    /// A batch whose first step is read already, by a store that is not PostgreSQL.
    ///
    /// `answers`: one per event.
    /// `terms`: of the leases, which nobody can change until the transaction ends.
    /// `known`: what was said of the batch's records before it.
    init(
        _ events: [IncomingEvent],
        _ answers: [AppendedEvent],
        terms: [Int32: Int64],
        known: [RecordKey: KnownRecord] = [:]
    ) {
        self.events = events
        self.terms = terms
        self.known = known
        sequences = answers.map(\.sequence)
        agentOf = answers.map(\.agent)
        for answer in answers { take(answer) }
        others = saidBefore
    }

    /// Takes in what is known of ``othersToRead``; those who are no more stay as they were.
    mutating func read(others answers: [AppendedEvent]) {
        for answer in answers { take(answer) }
    }

    private mutating func take(_ answer: AppendedEvent) {
        guard let agent = answer.agent, facts[agent] == nil else { return }
        facts[agent] = answer.facts
        subjects[agent] = answer.subject
        if answer.hasLeftOut { withLeftOut.insert(agent) }
    }
}
