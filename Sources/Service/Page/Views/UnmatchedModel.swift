import Domain

/// The page of the names under which events are unmatched.
struct UnmatchedModel {
    let frame: PageFrame
    let caller: Caller
    /// The only source whose names are shown; `nil` for all.
    let source: String?
    let names: [UnmatchedName]
    let next: UnmatchedNames.Position?
    let now: Timestamp

    /// Names on one page.
    static let pageSize = 50

    private var words: Catalogue { frame.words }

    var values: [String: Any] {
        let own: [String: Any] = [
            "at_unmatched": true,
            "is_bound": caller.teams != nil,
            "names": names.enumerated().map(name),
            "has_names": !names.isEmpty,
            "counted": words.time(now, now: now),
            "has_source": source != nil,
            "source": source ?? "",
            "more": next.map(more) ?? "",
            "has_more": next != nil,
        ]
        return frame.values(
            title: words("layout.unmatched"),
            script: "unmatched.js",
            scripted: ["mapping.", "shift.", "unmatched.gone"]
        ).merging(own) { _, own in own }
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
            "shown": balanced(name.externalID),
            "events": events(name),
            "kinds": words.list(name.kinds.map { words("kind." + $0.rawValue) }),
            "first": words.time(name.firstOccurredAt, now: now),
            "last": words.time(name.lastOccurredAt, now: now),
            "api": "/v1/sources/\(pathEscaped(name.source))/aliases/\(pathEscaped(name.externalID))",
            "consequence": consequence(name),
            "starts": name.startsNow,
            "may_map": caller.role.includes(.admin),
            "suggestions": name.suggestions.map { suggestion in
                [
                    "agent_id": suggestion.agentID,
                    "name": suggestion.name.isEmpty ? suggestion.agentID : balanced(suggestion.name),
                    "because": words("unmatched.because." + suggestion.because),
                    "href": "/agents/" + pathEscaped(suggestion.agentID),
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

    private func events(_ name: UnmatchedName) -> String {
        name.events >= UnmatchedNames.eventLimit
            ? words("unmatched.many_events", ["n": String(name.events)])
            : words.count("unmatched.events", Int64(name.events))
    }

    /// What would happen if somebody said whose the events are; of a name that is somebody's, why they wait.
    private func consequence(_ name: UnmatchedName) -> [[String: Any]] {
        guard name.agentID == nil else { return words.phrase("unmatched.too_old", now: now) }
        return words.phrase(
            "unmatched.would." + name.shift.rawValue,
            ["since": .clock(name.since ?? name.lastOccurredAt)],
            now: now
        )
    }
}

/// That there are names nobody knows, in a sentence; empty when there are none.
func unmatchedSentence(_ count: Int64, _ words: Catalogue) -> String {
    let limit = UnmatchedNameStatements.countLimit
    guard count > 0 else { return "" }
    guard count <= limit else { return words("unmatched.many_names", ["n": String(limit)]) }
    return words.count("unmatched.names", count)
}
