package import HTTPTypes

/// What went wrong with a request, in one stable word that clients act on.
package enum ProblemCode: String, Sendable, Hashable, CaseIterable {
    case malformedJSON = "malformed_json"
    case conflictingIDs = "conflicting_ids"
    case unauthenticated
    case forbidden
    case outsideTeam = "outside_team"
    case notFound = "not_found"
    case methodNotAllowed = "method_not_allowed"
    case bodyTimeout = "body_timeout"
    case instanceTaken = "instance_taken"
    case held
    case notOnShift = "not_on_shift"
    case instanceRunning = "instance_running"
    case noInstance = "no_instance"
    case nameInUse = "name_in_use"
    case noPairingNeeded = "no_pairing_needed"
    case codesRanOut = "codes_ran_out"
    case pairingBegins = "pairing_begins"
    case notOffered = "not_offered"
    case sessionMissing = "session_missing"
    case pairingRequired = "pairing_required"
    case unknownWord = "unknown_word"
    case alreadyDecided = "already_decided"
    case moreWaits = "more_waits"
    case bodyTooLarge = "body_too_large"
    case tooManyItems = "too_many_items"
    case unsupportedMediaType = "unsupported_media_type"
    case invalidField = "invalid_field"
    case idempotencyConflict = "idempotency_conflict"
    case rateLimited = "rate_limited"
    case internalError = "internal_error"
    case databaseUnavailable = "database_unavailable"
    case engineUnavailable = "engine_unavailable"
    case overloaded

    /// The HTTP status that goes with it.
    package var status: HTTPResponse.Status {
        switch self {
        case .malformedJSON, .conflictingIDs: .badRequest
        case .unauthenticated: .unauthorized
        case .forbidden, .outsideTeam: .forbidden
        case .notFound: .notFound
        case .methodNotAllowed: .methodNotAllowed
        case .bodyTimeout: .requestTimeout
        case .instanceTaken, .held, .notOnShift, .instanceRunning, .noInstance, .nameInUse, .noPairingNeeded,
            .codesRanOut, .notOffered, .sessionMissing, .pairingRequired, .unknownWord, .alreadyDecided, .moreWaits:
            .conflict
        case .bodyTooLarge, .tooManyItems: .contentTooLarge
        case .unsupportedMediaType: .unsupportedMediaType
        case .invalidField, .idempotencyConflict: .unprocessableContent
        case .rateLimited: .tooManyRequests
        case .internalError: .internalServerError
        case .pairingBegins, .databaseUnavailable, .engineUnavailable, .overloaded: .serviceUnavailable
        }
    }

    /// The sentence that names the kind of problem, the same for each occurrence.
    package var title: String {
        switch self {
        case .malformedJSON: "The body is not the JSON it should be."
        case .conflictingIDs: "The request carries two different ids for one event."
        case .unauthenticated: "There is no valid key with this request."
        case .forbidden: "This key may not do that."
        case .outsideTeam: "The agent is outside the teams of this key."
        case .notFound: "There is no such thing."
        case .methodNotAllowed: "This method is not for this address."
        case .bodyTimeout: "The body took too long to arrive."
        case .instanceTaken: "The instance belongs to another agent."
        case .held: "The agent is held."
        case .notOnShift: "The agent is not on shift."
        case .instanceRunning: "The agent's instance is not proved to be stopped."
        case .noInstance: "The agent has no instance."
        case .nameInUse: "The name is that of an agent."
        case .noPairingNeeded: "The session does not wait for a telephone."
        case .codesRanOut: "Nobody scanned while the session's codes lasted."
        case .pairingBegins: "The session is starting and has no code yet."
        case .notOffered: "The engine offers nothing of this kind."
        case .sessionMissing: "The engine does not know the session."
        case .pairingRequired: "The session has no phone linked: the agent must scan the code."
        case .unknownWord: "The engine reports a state that Rollcall does not know, so nothing is done."
        case .alreadyDecided: "Nothing of the change waits any more."
        case .moreWaits: "Something else waits now than was shown."
        case .bodyTooLarge: "The body is too large."
        case .tooManyItems: "There are too many items in the body."
        case .unsupportedMediaType: "The body's type is not supported."
        case .invalidField: "A value is missing or not allowed."
        case .idempotencyConflict: "This id was used before with other content."
        case .rateLimited: "There were too many requests."
        case .internalError: "Something went wrong on our side."
        case .databaseUnavailable: "The database cannot be reached."
        case .engineUnavailable: "The engine gave no usable answer."
        case .overloaded: "There is too much to do at the moment."
        }
    }

    /// What the sender can do about it.
    package var hint: String {
        switch self {
        case .malformedJSON: "Send one JSON value in UTF-8, nested at most 32 deep."
        case .conflictingIDs: "Send the id in the body or in Idempotency-Key, or the same id in both."
        case .unauthenticated: "Send the header Authorization: Bearer <key> with a key that is not revoked."
        case .forbidden: "Use a key with a role that allows it."
        case .outsideTeam: "Use a key of the agent's team, or one that is bound to no team."
        case .notFound: "Check the address and its spelling."
        case .methodNotAllowed: "See /openapi.yaml for the methods of this address."
        case .bodyTimeout: "Send the whole body within 10 seconds."
        case .instanceTaken: "Take the instance from the other agent first."
        case .held: "End the hold first."
        case .notOnShift: "Wait for the agent's clock-in, or set a hold with state running."
        case .instanceRunning: "Repeat the request with ?stop=true, which stops the instance first."
        case .noInstance: "Give the agent an instance first."
        case .nameInUse: "Erase the agent, or take the alias from the agent first."
        case .noPairingNeeded: "Look at the agent's condition; ask again once it is needs_pairing."
        case .codesRanOut: "Ask for a new one by hand: the session then starts anew."
        case .notOffered: "Ask for another kind: qr or code."
        case .sessionMissing: "Make the session at the engine, or give the agent another instance."
        case .pairingRequired: "Ask for a code with POST /v1/agents/{agent}/pairing."
        case .unknownWord: "Look at the session at the engine; ask again once it says something else."
        case .alreadyDecided: "See GET /v1/guard for what became of it."
        case .moreWaits: "Read the change again, and decide with what waits of it by then."
        case .bodyTooLarge: "Send at most 1 MiB."
        case .tooManyItems: "Send at most 1,000 items at a time."
        case .unsupportedMediaType: "Send Content-Type: application/json."
        case .invalidField: "Correct the value named in field."
        case .idempotencyConflict: "Use a new id for a new event."
        case .rateLimited: "Wait as long as Retry-After says."
        case .internalError: "Try again; if it stays, tell the operator the time of the request."
        case .pairingBegins, .databaseUnavailable, .engineUnavailable, .overloaded:
            "Send the same request again after Retry-After seconds."
        }
    }
}
