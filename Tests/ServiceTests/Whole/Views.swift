/// An agent as the API shows it.
struct AgentView: Decodable, Sendable, Equatable {
    var agentId: String
    var shift: String
    var shiftSince: String?
    var desired: String
    var rule: String
    var generation: Int64
    /// The engine's word; `nil` when nothing is known.
    var observed: String?
    var condition: String
    var reason: String
}

/// The answer to a clock event.
struct ReceiptView: Decodable, Sendable, Equatable {
    struct Desired: Decodable, Sendable, Equatable {
        var state: String
        var generation: Int64
        var rule: String
    }

    var eventId: String
    var agentId: String
    var kind: String
    var occurredAt: String
    var receivedAt: String
    var sequence: Int64
    var replayed: Bool
    var effect: String
    var desired: Desired?
    var warnings: [String]
}

/// One place of an answer to many events: a receipt, or a problem.
struct ItemView: Decodable, Sendable {
    var sequence: Int64?
    var effect: String?
    var replayed: Bool?
    var status: Int?
    var code: String?
    var field: String?
}

/// The answer to many events.
struct ItemsView: Decodable, Sendable {
    var results: [ItemView]
}

/// Why an agent's session is as it is, as far as tests look at it.
struct ExplanationView: Decodable, Sendable {
    struct Command: Decodable, Sendable {
        var action: String
        var reason: String
        var verdict: String?
    }

    var condition: String
    var reason: String
    /// Newest first.
    var commands: [Command]
}

/// What came of a sweep.
struct SweepView: Decodable, Sendable, Equatable {
    var complete: Bool
    var instances: Int
    var read: Int
    var unread: Int
    var drifted: Int
    var repaired: Int
    var deferred: Int
}

/// Something that is wrong with an engine account.
struct IncidentsView: Decodable, Sendable {
    struct Incident: Decodable, Sendable {
        var kind: String
        var closedAt: String?
        /// What is known of it, in the service's words and the engine's.
        var detail: String
    }

    var items: [Incident]
}
