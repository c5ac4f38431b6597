import Domain

/// The page of the whole fleet: who needs somebody, worst first; then everybody, with counts and filters.
struct FleetModel {
    let frame: PageFrame
    let caller: Caller
    let filter: FleetFilter
    /// Who needs somebody, worst first, as many as are shown.
    let needs: [RowModel]
    /// How many who need somebody were found, shown or not.
    let found: Int
    let rows: [RowModel]
    let nextCursor: String?
    let summary: Summary
    let incidents: [Incident]
    /// Changes that wait for somebody.
    let held: [HeldChange]
    /// Names that are nobody's.
    let unmatched: UnmatchedTally
    /// How the engines of the caller's sessions do.
    let engines: [EnginePulse]
    /// The event after which a stream goes on from what is shown; `nil` where it has to begin with a reset.
    let place: String?
    let now: Timestamp

    /// Agents shown among those who need somebody.
    static let needLimit = 50
    /// Teams whose counts stand open.
    private static let openTeams = 8
    /// Teams that are shown and may be chosen.
    private static let teamLimit = 500

    private var words: Catalogue { frame.words }

    var values: [String: Any] {
        let values = frame.values(
            title: words("layout.agents"),
            script: "fleet.js",
            scripted: Self.scripted + (caller.role.includes(.manage) ? Self.scriptedForActing : [])
        )
        let own: [String: Any] = [
            "at_fleet": true,
            "order": Agreement.allCases.filter(\.needsSomebody).map(\.rawValue).joined(separator: " ") + " | "
                + Agreement.allCases.filter { !$0.needsSomebody }.map(\.rawValue).joined(separator: " "),
            "needs": needs.map(\.values),
            "is_calm": isCalm,
            "needs_count": isFoundCut ? "\(found)+" : String(needsCount),
            "more_needs": needs.count < needsCount,
            "rows": rows.map(\.values),
            "blank": RowModel.blank,
            "is_empty": rows.isEmpty,
            "is_filtered": filter.isFiltered,
            "is_narrow": filter.isNarrow,
            "is_ordered_apart": filter.sort ?? .agent != .agent && (nextCursor != nil || filter.cursor != nil),
            "more": nextCursor.map { "/" + filter.query(["cursor": $0]) } ?? "",
            "has_more": nextCursor != nil,
            "agents": count { _ in true },
            "counted": words.time(summary.asOf, now: now),
            "shifts": [Shift.in, .onBreak, .out].map(shift),
            "conditions": Self.conditions.map(condition),
            "agreements": Agreement.allCases.map(agreement),
            "chosen_condition": filter.condition.map(condition) ?? false,
            "teams": teams,
            "named_teams": teams.filter { $0["word"] as? String != "" },
            "teamless": filter.team == "",
            "has_teamless": filter.team == "" || teams.contains { $0["word"] as? String == "" },
            "blank_team": [
                "word": "", "label": "", "href": "/", "agents": 0, "here": 0, "able": 0, "needs_somebody": 0,
            ],
            "teams_open": teams.count <= Self.openTeams,
            "team": filter.team ?? "",
            "q": filter.search ?? "",
            "any_shift": filter.shift == nil,
            "any_state": filter.condition == nil && filter.agreement == nil,
            "any_team": filter.team == nil,
            "sort": (filter.sort ?? .agent).rawValue,
            "sorts": FleetFilter.Sort.allCases.map(sort),
            "unmatched": unmatchedSentence(unmatched.names, words),
            "has_unmatched": unmatched.names > 0,
            "unmatched_since": unmatched.since.map { words.time($0, now: now) } ?? false,
            "incidents": openIncidents.map { incidentValues($0, words, now: now) },
            "held": cards,
            "is_bound": caller.teams != nil,
            "has_held": !held.isEmpty,
            "stream": "/v1/stream" + filter.query(streamed, isSorted: false),
            "list": "/v1/agents" + filter.query(["limit": "500"], isSorted: false),
            "page": filter.cursor.map { cursor in
                "/v1/agents" + filter.query(["limit": "500", "cursor": cursor], isSorted: false)
            } ?? "",
        ]
        return values.merging(own) { _, own in own }
    }

    /// What the stream is asked for besides the filter.
    private var streamed: [String: String] {
        var query = ["snapshot": "false"]
        query["last_event_id"] = place
        return query
    }

    /// Of the changes that wait.
    private var cards: [[String: Any]] {
        held.map { change in
            let mayDecide = HeldCardModel.mayDecide(change, caller)
            return HeldCardModel(change: change, words: frame.words, now: now, mayDecide: mayDecide).values
        }
    }

    /// Whether nobody needs anything as far as anybody can know: of sessions that nothing is heard of nobody does.
    private var isCalm: Bool {
        needs.isEmpty && needsCount == 0 && !isFoundCut && openIncidents.isEmpty && held.isEmpty
            && unmatched.names == 0 && !engines.contains { $0.isUncertain(now: now) }
    }

    /// Of engines, of sources, and changes that wait for somebody.
    private var openIncidents: [Incident] { incidents.filter { $0.closedAt == nil } }

    /// What the script says, as beginnings of keys; what agreements are called the filter says.
    private static let scripted = [
        "fleet.held", "fleet.last_seen", "fleet.loading", "fleet.narrow", "fleet.news", "fleet.no_instance",
        "fleet.no_team",
        "fleet.not_seen", "fleet.pick", "fleet.wanted", "shift.", "state.", "session.", "turn.", "reason.",
        // All but what the templates say.
        "guard.agents.", "guard.all.", "guard.asked", "guard.decide", "guard.deed.", "guard.more", "guard.no_answer",
        "guard.part.", "guard.show", "guard.state.", "guard.then.", "guard.turn.", "guard.until", "guard.what.",
        "incident.engine.", "incident.other", "incident.source.", "unmatched.since",
    ]
    /// And only to who may act; of pairing, too, all but what the template says.
    private static let scriptedForActing = [
        "bulk.", "pairing.anew", "pairing.code_", "pairing.cop", "pairing.ends", "pairing.image",
        "pairing.link_", "pairing.paused", "pairing.qr_", "pairing.refreshes", "pairing.shown", "pairing.title",
        "pairing.wait",
    ]

    /// What is wrong first.
    private static let conditions: [Condition] = [
        .needsAttention, .needsPairing, .drifted, .unknown, .unassigned, .held, .starting, .stopping, .converged,
    ]

    private func shift(_ shift: Shift) -> [String: Any] {
        [
            "word": shift.rawValue, "label": words("shift." + shift.rawValue), "count": count { $0.shift == shift },
            "selected": filter.shift == shift, "href": "/" + filter.with(shift: shift).query(),
        ]
    }

    private func condition(_ condition: Condition) -> [String: Any] {
        [
            "word": condition.rawValue, "label": words("condition." + condition.rawValue),
            "count": count { $0.condition == condition },
            "selected": filter.condition == condition, "href": "/" + filter.with(condition: condition).query(),
        ]
    }

    private func agreement(_ agreement: Agreement) -> [String: Any] {
        [
            "word": agreement.rawValue, "label": words("agreement." + agreement.rawValue),
            "selected": filter.agreement == agreement,
        ]
    }

    private func sort(_ sort: FleetFilter.Sort) -> [String: Any] {
        [
            "word": sort.rawValue, "label": words("fleet.sort." + sort.rawValue),
            "selected": sort == (filter.sort ?? .agent),
        ]
    }

    private var teams: [[String: Any]] {
        let teams = Dictionary(grouping: summary.groups, by: \.team)
        // Who is in no team comes last.
        let names = teams.keys.filter { !$0.isEmpty }.sorted().prefix(Self.teamLimit) + (teams[""] == nil ? [] : [""])
        return names.map { team in
            let groups = Summary(groups: teams[team] ?? [], asOf: summary.asOf)
            return [
                "word": team, "label": team.isEmpty ? words("fleet.no_team") : balanced(team),
                "selected": filter.team == team,
                "href": "/" + filter.with(team: team).query(), "agents": groups.count { _ in true },
                "here": groups.count(\.isHere), "able": groups.count(\.isAble),
                "needs_somebody": groups.count(\.needsSomebody),
            ]
        }
    }

    /// How many need somebody and fit the filter.
    ///
    /// The counts know no search and no agreement, and may be a moment older than who was found.
    private var needsCount: Int {
        guard isCounted else { return found }
        let counted = count { group in
            group.needsSomebody && filter.shift.map { $0 == group.shift } ?? true
                && filter.condition.map { $0 == group.condition } ?? true
        }
        return max(found, counted)
    }

    /// Whether the counts tell who fits the filter.
    private var isCounted: Bool { filter.search == nil && filter.agreement == nil }

    /// Whether of those who are looked for more may need somebody than were found, since not everybody was looked at.
    private var isFoundCut: Bool { !isCounted && summary.count { _ in true } > NeedStatements.walkLimit }

    /// Agents of the chosen team, or of all.
    private func count(_ fits: (Summary.Group) -> Bool) -> Int {
        summary.count { group in (filter.team.map { $0 == group.team } ?? true) && fits(group) }
    }
}

/// What a template shows of an incident.
func incidentValues(_ incident: Incident, _ words: Catalogue, now: Timestamp) -> [String: Any] {
    let whose = incident.change != nil ? "change" : incident.source != nil ? "source" : "engine"
    let key = "incident.\(whose).\(incident.kind)"
    let values: [String: PhraseValue] = [
        "name": .strong(incident.engine ?? incident.source ?? incident.change.map(String.init) ?? ""),
        "began": .age(incident.openedAt), "kind": .text(incident.kind),
    ]
    return [
        "id": incident.id, "engine": incident.engine ?? "", "kind": incident.kind, "of_change": incident.change != nil,
        "sentence": words.phrase(words.sentences[key] == nil ? "incident.other" : key, values, now: now),
    ]
}
