import Domain

/// What the ledger answered to one event of a batch.
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
    init(_ events: [IncomingEvent], _ answers: [AppendedEvent], terms: [Int32: Int64]) {
        self.events = events
        self.terms = terms
        sequences = answers.map(\.sequence)
        agentOf = answers.map(\.agent)
        for answer in answers {
            guard let agent = answer.agent, facts[agent] == nil else { continue }
            facts[agent] = answer.facts
            subjects[agent] = answer.subject
            if answer.hasLeftOut { withLeftOut.insert(agent) }
        }
    }
}
