import Domain

/// What a template sees of an agent: text and flags, nothing to compute.
struct RowModel {
    let details: AgentDetails
    let standing: AgentStanding
    let words: Catalogue
    let now: Timestamp
    /// Whether somebody acts for the session's engine, as far as is known.
    var isAttended = true

    var agreement: Agreement { details.agreement(standing) }

    /// Whether what was observed is too old to be believed, or was never observed.
    var isStale: Bool { standing.reason == .stale || standing.reason == .neverRead }

    /// The template's values.
    ///
    /// `Any` is what the templates take.
    var values: [String: Any] {
        var values: [String: Any] = [
            "agent_id": details.agentID,
            "href": "/agents/" + pathEscaped(details.agentID),
            "name": details.name.isEmpty ? details.agentID : balanced(details.name),
            "team": balanced(details.team),
            "shift": details.state.shift.rawValue,
            "shift_label": words("shift." + details.state.shift.rawValue),
            "desired": standing.desired.run.rawValue,
            "desired_label": words("state." + standing.desired.run.rawValue),
            "because": words("because." + standing.desired.rule.rawValue),
            "wanted": wanted,
            "observed": observed,
            "reading": details.reading ?? "",
            "condition": standing.condition.rawValue,
            "agreement": agreement.rawValue,
            "agreement_label": words("agreement." + agreement.rawValue),
            "turn": turn.rawValue,
            "attended_turn": agreement.turn(standing.reason).rawValue,
            "turn_text": turnText,
            "reason": standing.reason.rawValue,
            "reason_text": words("reason." + standing.reason.rawValue),
            "since": time(standing.since),
            "stale": isStale,
            "engine": details.instanceSpec?.engine ?? "",
            "instance_id": details.instanceSpec?.instanceID ?? "",
            "has_instance": details.instanceSpec != nil,
            "leaving": details.removalAskedAt != nil,
            "shift_since": details.state.since.map(time) ?? false,
            "as_of": details.readAt.map(time) ?? false,
            "hold": false,
        ]
        if let hold = standing.hold { values["hold"] = ["sentence": sentence(hold)] }
        return values
    }

    /// The values of a row that the script fills in.
    static var blank: [String: Any] {
        let texts = [
            "agent_id", "href", "name", "team", "shift", "shift_label", "observed", "reading", "condition", "agreement",
            "agreement_label", "reason_text", "turn", "attended_turn", "turn_text", "engine", "wanted",
        ]
        var values: [String: Any] = [
            "stale": false, "hold": false, "since": false, "shift_since": false, "as_of": false,
        ]
        for name in texts { values[name] = "" }
        return values
    }

    private var turn: Turn { agreement.turn(standing.reason, isAttended: isAttended) }

    /// Whose turn it is, in a sentence; among what needs somebody it says when somebody does where Rollcall is at it by itself.
    private var turnText: String {
        if turn != agreement.turn(standing.reason) { return words("turn.unattended") }
        return words(turn == .rollcall && agreement.needsSomebody ? "turn.rollcall.exception" : "turn." + turn.rawValue)
    }

    /// What is desired, where a row's shift does not say so: on a break the policy for breaks decides; a hold has a sentence.
    private var wanted: String {
        guard standing.desired.rule == .onBreak else { return "" }
        return words("fleet.wanted", ["state": words("state." + standing.desired.run.rawValue)])
    }

    /// The session's state in words; what is old is said to be old, and a word that nobody knows is shown as it is.
    private var observed: String {
        guard details.instanceSpec != nil else { return words("fleet.no_instance") }
        guard let reading = details.reading else { return words("fleet.not_seen") }
        let state = words.session(reading)
        return isStale ? words("fleet.last_seen", ["state": state]) : state
    }

    private func sentence(_ hold: Hold) -> [[String: Any]] {
        words.phrase(
            "fleet.held",
            [
                "state": .text(words("state." + hold.state.rawValue)), "author": .name(hold.author),
                "until": .clock(hold.until), "ahead": .ahead(hold.until), "reason": .name(hold.reason),
            ],
            now: now
        )
    }

    private func time(_ instant: Timestamp) -> [String: Any] {
        words.time(instant, now: now)
    }
}

extension [EnginePulse] {
    /// Whether somebody acts for the engine of an agent's session; also where there is none, or nothing is known of it.
    func isAttended(_ details: AgentDetails) -> Bool {
        !contains { $0.engine == details.instanceSpec?.engine && !$0.isActing }
    }
}

extension Catalogue {
    /// The engine's word for a session's state, in ours; a word that nobody knows as it is.
    func session(_ word: String) -> String {
        sentences["session." + word] ?? word
    }
}

/// Escapes what has a meaning in a path or a query.
///
/// Bytes above 0x7F too.
func pathEscaped(_ text: String) -> String {
    text.utf8.map { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            String(UnicodeScalar(byte))
        default:
            (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
        }
    }.joined()
}
