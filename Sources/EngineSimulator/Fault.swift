import Domain

/// What can go wrong on demand.
package enum FaultKind: String, Sendable, Codable, CaseIterable {
    // On calls.
    /// The effect at once, the answer `ms` (1000) later.
    case slow
    /// The effect and the answer both `ms` (1000) later, also when the caller has long gone.
    case late
    /// No answer for `ms` (120,000); the effect happens if `effect` is true.
    case hang
    /// The connection closes instead of an answer; nothing happens.
    case dropBeforeEffect = "drop_before_effect"
    /// It happens, and the connection closes instead of an answer.
    case dropAfterEffect = "drop_after_effect"
    /// It happens, and the connection closes within the answer's body, `ms` (0) after its first half.
    case cutReply = "cut_reply"
    /// The answer claims success; nothing happens.
    case lying200 = "lying_200"
    /// It happens; 200 without a body.
    case empty200 = "empty_200"
    /// Nothing happens; 200 with `code` (`invalid_session`) and `message`.
    case errorIn200 = "error_in_200"
    /// It happens; 200 with something that is not JSON.
    case garbage200 = "garbage_200"
    /// It happens; the body has `bytes` (1 MiB).
    case oversize
    /// 401 for a valid token.
    case unauthorized
    /// 429 with `retry_after` (`2`); nothing happens.
    case rateLimited = "rate_limited"
    /// `http_status` (500) in `format` with `code` and `message`, perhaps with a `location`; nothing happens unless
    /// `effect`.
    case error
    /// Everything, before the token is even looked at: `mode` `502` (default), `503`, `drop` or `hang`.
    case outage
    /// info names `word` (STOPPED) whatever is true.
    case staleRead = "stale_read"
    /// Lists leave the session out, although it is there.
    case unlisted

    // On sessions, now or at their next boot or stop.
    /// Boots do not end.
    case stuckStarting = "stuck_starting"
    /// What runs fails now, and boots end in FAILED.
    case failed
    /// The pairing is lost; what runs asks for a scan.
    case needsQR = "needs_qr"
    /// The engine forgets the session (404).
    case vanish
    /// What runs stops by itself, after `after_ms` (0).
    case selfStop = "self_stop"
    /// What is stopped starts by itself, after `after_ms` (0).
    case selfStart = "self_start"
    /// What runs boots again by itself, after `after_ms` (0).
    case selfRestart = "self_restart"
    /// What is WORKING says `word` (STOPPED) for `ms` (10,000) and then WORKING again.
    case flicker
    /// What is WORKING goes on saying so, without an account: nothing is sent any more.
    case dead
    /// A stopped session starts again by itself `after_ms` (60,000) after the stop.
    case resurrect
    /// A stop during STARTING is undone when the boot ends.
    case startWins = "start_wins"

    /// Whether it waits in the book for a call, a boot or a stop, rather than happening at once only.
    var isKept: Bool {
        switch self {
        case .needsQR, .vanish, .selfStop, .selfStart, .selfRestart, .flicker, .dead: false
        default: true
        }
    }
}

/// The fine print of a fault; every part may be absent, ``FaultKind`` names the defaults.
package struct FaultParameters: Sendable, Codable, Equatable {
    package var ms: Int64?
    package var afterMs: Int64?
    package var httpStatus: Int?
    package var format: SimulatorBehaviour.ErrorFormat?
    package var code: String?
    package var message: String?
    package var retryAfter: String?
    package var location: String?
    package var word: String?
    package var bytes: Int?
    package var mode: String?
    package var effect: Bool?

    package init() {}
}

/// Which sessions a fault is for.
enum FaultScope: Sendable, Codable {
    case all
    case instances(Set<String>)

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        // One text or a list: a failure only means that it is the other.
        if let text = try? container.decode(String.self) {
            self = text == "all" ? .all : .instances([text])
        } else {
            self = .instances(try container.decode(Set<String>.self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .all: try container.encode("all")
        case .instances(let ids): try container.encode(ids.sorted())
        }
    }

    func contains(_ instanceID: String) -> Bool {
        switch self {
        case .all: true
        case .instances(let ids): ids.contains(instanceID)
        }
    }
}

/// A fault that is in force.
struct Fault: Sendable, Encodable {
    let id: Int
    var kind: FaultKind
    var scope: FaultScope
    /// The calls it is for; `nil` for all that it can concern.
    var operations: Set<Operation>?
    var parameters: FaultParameters
    /// How often it still strikes; `nil` without end.
    var remaining: Int?
    /// When it ends by itself, on the simulator's clock.
    var until: Timestamp?

    private enum CodingKeys: String, CodingKey { case id, kind, scope, operations, parameters, remaining, until }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode(kind, forKey: .kind)
        try container.encode(scope, forKey: .scope)
        try container.encodeIfPresent(operations?.map(\.rawValue).sorted(), forKey: .operations)
        try container.encode(parameters, forKey: .parameters)
        try container.encodeIfPresent(remaining, forKey: .remaining)
        try container.encodeIfPresent(until?.rfc3339, forKey: .until)
    }
}
