import Domain

/// The page of the names under which events are unmatched.
struct UnmatchedModel {
    let caller: Caller
    /// The only source whose names are shown; `nil` for all.
    let source: String?
    let names: [UnmatchedName]
    let next: UnmatchedNames.Position?
    let now: Timestamp

    /// Names on one page.
    static let pageSize = 50

    var values: [String: Any] {
        [
            "title": "Unmatched",
            "script": "unmatched.js",
            "signed_in": true,
            "who": caller.name,
            "role": caller.role.rawValue,
            "now": now.rfc3339,
            "now_clock": clockTime(now),
            "may_map": caller.role.includes(.admin),
            "is_bound": caller.teams != nil,
            "names": names.enumerated().map(name),
            "has_names": !names.isEmpty,
            "has_source": source != nil,
            "source": source ?? "",
            "more": next.map(more) ?? "",
            "has_more": next != nil,
        ]
    }

    /// The address of the next page, of the same source.
    private func more(_ next: UnmatchedNames.Position) -> String {
        "/unmatched?" + (source.map { "source=\(pathEscaped($0))&" } ?? "") + "cursor=" + pathEscaped(next.word)
    }

    private func name(_ place: Int, _ name: UnmatchedName) -> [String: Any] {
        var values: [String: Any] = [
            "place": place,
            "source": name.source,
            "external_id": name.externalID,
            "events": name.events == 1 ? "1 event" : "\(name.events)\(isCapped(name) ? "+" : "") events",
            "kinds": name.kinds.map(\.label).joined(separator: ", "),
            "first": timeValues(name.firstOccurredAt, now: now),
            "last": timeValues(name.lastOccurredAt, now: now),
            "api": "/v1/sources/\(pathEscaped(name.source))/aliases/\(pathEscaped(name.externalID))",
            "consequence": consequence(name),
            "starts": name.startsNow,
            "may_map": caller.role.includes(.admin),
            "suggestions": name.suggestions.map { suggestion in
                [
                    "agent_id": suggestion.agentID,
                    "name": suggestion.name.isEmpty ? suggestion.agentID : suggestion.name,
                    "because": suggestion.label, "href": "/agents/" + pathEscaped(suggestion.agentID),
                ]
            },
            "has_suggestions": !name.suggestions.isEmpty,
            "guess": name.suggestions.first?.agentID ?? "",
        ]
        if let agentID = name.agentID {
            values["owner"] = ["agent_id": agentID, "href": "/agents/" + pathEscaped(agentID)]
        }
        return values
    }

    private func isCapped(_ name: UnmatchedName) -> Bool { name.events >= UnmatchedNames.eventLimit }

    /// What would happen if somebody said whose the events are; of a name that is somebody's, why they wait.
    private func consequence(_ name: UnmatchedName) -> String {
        guard name.agentID == nil else {
            return "Too old to start a session. They count once their end is known."
        }
        let since = name.since.map { " since \(clockTime($0))" } ?? ""
        return switch name.shift {
        case .in: "The agent would be on shift\(since), and the session would start."
        case .onBreak: "The agent would be on break\(since); whether the session runs, the policy for breaks says."
        case .out: "Nothing would start; the past would be filled in."
        }
    }
}

extension NameSuggestion {
    /// What speaks for it.
    fileprivate var label: String {
        switch because {
        case "agent_id": "the same agent id"
        case "name": "the same name"
        default: "called so by another source"
        }
    }
}

/// That there are names nobody knows, in a sentence; empty when there are none.
func unmatchedSentence(_ count: Int) -> String {
    switch count {
    case 0: ""
    case 1: "Under 1 name there are clock events that nobody could match to an agent."
    case 2...Int(UnmatchedNameStatements.countLimit):
        "Under \(count) names there are clock events that nobody could match to an agent."
    default:
        "Under more than \(UnmatchedNameStatements.countLimit) names there are clock events that nobody could match to an agent."
    }
}
