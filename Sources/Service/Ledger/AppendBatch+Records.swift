import Domain

/// Whom a batch's records concern besides those whom its events name.
extension AppendBatch {
    /// The agents of whom the batch's records were said before, but for those of whom something is known already.
    var saidBefore: Set<Int64> {
        known.values.reduce(into: Set()) { $0.formUnion($1.agents.compactMap(\.self)) }.subtracting(facts.keys)
    }

    /// The agents of records of which the batch says something new that is not theirs.
    ///
    /// It is about somebody else, or, as a withdrawal may be, about nobody, and changes what they have whatever else the batch
    /// says of them.
    var ofSharedRecords: Set<Int64> {
        var agents: [RecordKey: Set<Int64?>] = [:]
        for index in events.indices where sequences[index] != nil {
            guard let record = events[index].recordKey else { continue }
            agents[record, default: known[record]?.agents ?? []].insert(agentOf[index])
        }
        return agents.values.reduce(into: []) { if $1.count > 1 { $0.formUnion($1.compactMap(\.self)) } }
    }
}
