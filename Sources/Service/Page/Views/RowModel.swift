import Domain

/// What a template sees of an agent: text and flags, nothing to compute.
struct RowModel {
    let details: AgentDetails
    let standing: AgentStanding
    let now: Timestamp

    var rank: Int { RowOrder.rank(standing.condition, details.state.shift) }

    /// Whether what was observed is too old to be believed, or was never observed.
    var isStale: Bool { standing.reason == .stale || standing.reason == .neverRead }

    /// The template's values.
    ///
    /// `Any` is what the templates take.
    var values: [String: Any] {
        var values: [String: Any] = [
            "agent_id": details.agentID,
            "href": "/agents/" + pathEscaped(details.agentID),
            "name": details.name.isEmpty ? details.agentID : details.name,
            "team": details.team,
            "shift": details.state.shift.rawValue,
            "shift_label": details.state.shift.label,
            "desired": standing.desired.run.rawValue,
            "rule": standing.desired.rule.label,
            "because": standing.desired.rule.sentence,
            "observed": observed,
            "condition": standing.condition.rawValue,
            "condition_label": standing.condition.label,
            "reason": standing.reason.rawValue,
            "reason_text": standing.reason.sentence,
            "rank": rank,
            "since": time(standing.since),
            "stale": isStale,
            "engine": details.instanceSpec?.engine ?? "",
            "instance_id": details.instanceSpec?.instanceID ?? "",
            "has_instance": details.instanceSpec != nil,
            "leaving": details.removalAskedAt != nil,
        ]
        if let since = details.state.since { values["shift_since"] = time(since) }
        if let readAt = details.readAt { values["as_of"] = time(readAt) }
        if let hold = standing.hold {
            values["hold"] = [
                "state": hold.state.rawValue, "reason": hold.reason, "author": hold.author,
                "until": clockTime(hold.until),
            ]
        }
        return values
    }

    /// The values of a row that the script fills in.
    static var blank: [String: Any] {
        let texts = [
            "agent_id", "href", "name", "team", "shift", "shift_label", "desired", "observed", "condition",
            "condition_label", "reason_text", "rank",
        ]
        var values: [String: Any] = [
            "stale": false, "hold": false, "since": false, "shift_since": false, "as_of": false,
        ]
        for name in texts { values[name] = "" }
        return values
    }

    /// The engine's word; what is old is said to be old.
    private var observed: String {
        guard details.instanceSpec != nil else { return "–" }
        guard let reading = details.reading else { return "not seen yet" }
        return isStale ? "last seen " + reading : reading
    }

    private func time(_ instant: Timestamp) -> [String: Any] {
        timeValues(instant, now: now)
    }
}

/// An instant as a template shows it: exact for machines, its age for people.
func timeValues(_ instant: Timestamp, now: Timestamp) -> [String: Any] {
    ["exact": instant.rfc3339, "age": age(of: instant, now: now), "clock": clockTime(instant)]
}

/// `2026-03-02 08:15:00 UTC`.
func clockTime(_ instant: Timestamp) -> String {
    let text = Timestamp(microseconds: instant.microseconds - instant.microseconds % 1_000_000).rfc3339
    return text.dropLast().map { $0 == "T" ? " " : String($0) }.joined() + " UTC"
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
