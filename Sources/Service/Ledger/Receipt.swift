import Domain

/// What an event did when it came.
enum EventEffect: String, Sendable {
    /// It decides where the agent stands.
    case applied
    /// Something newer stands.
    case superseded
    /// It lies in the future and takes effect at its time.
    case parked
    /// Nobody knows its agent yet.
    case unmatched
    /// It changes nothing, as a clock-out while out.
    case recorded
}

/// The answer to a clock event that is committed.
struct Receipt: Sendable {
    var eventID: String
    /// What the source calls the agent.
    var agentID: String?
    var kind: PunchKind
    var occurredAt: Timestamp
    /// When it was received the first time.
    var receivedAt: Timestamp
    var sequence: Int64
    /// Whether it had been received before.
    var isReplay: Bool
    var effect: EventEffect
    /// What is desired of the agent now; `nil` while nobody knows the agent.
    var agent: AgentFacts?
    var instance: Int64?
    var warnings: [String]
}

/// What became of one event of a batch.
enum AppendOutcome: Sendable {
    case receipt(Receipt)
    /// The same id was used for another event.
    case conflict
    /// Its agent is of another team than its sender may speak of, or unknown; nothing of it is in the ledger.
    case outsideTeam
    /// The database refuses this event alone, and will again; nothing of it is in the ledger.
    case refused
}
