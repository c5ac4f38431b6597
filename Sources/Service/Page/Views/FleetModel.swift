import Domain

/// The page of the whole fleet: who needs somebody first, then the others; counts, filters, incidents.
struct FleetModel {
    let caller: Caller
    let filter: FleetFilter
    let rows: [RowModel]
    let nextCursor: String?
    let summary: Summary
    let incidents: [Incident]
    /// Names that are nobody's.
    let unmatched: Int
    let now: Timestamp

    var values: [String: Any] {
        [
            "title": "Agents",
            "script": "fleet.js",
            "signed_in": true,
            "who": caller.name,
            "role": caller.role.rawValue,
            "now": now.rfc3339,
            "now_clock": clockTime(now),
            "order": RowOrder.ranks.joined(separator: " "),
            "rows": rows.map(\.values),
            "blank": RowModel.blank,
            "is_empty": rows.isEmpty,
            "is_filtered": filter.isFiltered,
            "more": nextCursor.map { "/" + filter.query(["cursor": $0]) } ?? "",
            "has_more": nextCursor != nil,
            "agents": count { _ in true },
            "shifts": Shift.allCases.reversedForShow.map(shift),
            "conditions": RowOrder.conditions.map(condition),
            "teams": teams,
            "team": filter.team ?? "",
            "q": filter.search ?? "",
            "any_shift": filter.shift == nil,
            "any_condition": filter.condition == nil,
            "any_team": filter.team == nil,
            "unmatched": unmatchedSentence(unmatched),
            "has_unmatched": unmatched > 0,
            "incidents": incidents.filter { $0.closedAt == nil }.map(incident),
            "kinds": IncidentKind.allCases.map { ["word": $0.rawValue, "label": $0.label] },
            "stream": "/v1/stream" + filter.query(["snapshot": "false"]),
        ]
    }

    private func shift(_ shift: Shift) -> [String: Any] {
        [
            "word": shift.rawValue, "label": shift.label, "count": count { $0.shift == shift },
            "selected": filter.shift == shift, "href": "/" + filter.with(shift: shift).query(),
        ]
    }

    private func condition(_ condition: Condition) -> [String: Any] {
        [
            "word": condition.rawValue, "label": condition.label, "count": count { $0.condition == condition },
            "selected": filter.condition == condition, "href": "/" + filter.with(condition: condition).query(),
        ]
    }

    private func incident(_ incident: Incident) -> [String: Any] {
        incidentValues(incident, now: now)
    }

    private var teams: [[String: Any]] {
        Set(summary.groups.map(\.team)).subtracting([""]).sorted().prefix(500).map { team in
            ["word": team, "label": team, "selected": filter.team == team]
        }
    }

    /// Agents of the chosen team, or of all.
    private func count(_ fits: (Summary.Group) -> Bool) -> Int {
        summary.groups.reduce(0) { sum, group in
            let isCounted = filter.team.map { $0 == group.team } ?? true
            return isCounted && fits(group) ? sum + group.count : sum
        }
    }
}

/// What a template shows of an incident.
func incidentValues(_ incident: Incident, now: Timestamp) -> [String: Any] {
    [
        "id": incident.id,
        "whose": incident.change != nil ? "Change" : incident.source == nil ? "Engine" : "Clock source",
        "name": incident.engine ?? incident.source ?? incident.change.map(String.init) ?? "",
        "kind": IncidentKind(rawValue: incident.kind)?.label ?? incident.kind,
        "opened": timeValues(incident.openedAt, now: now),
    ]
}

extension [Shift] {
    /// On shift first.
    fileprivate var reversedForShow: [Shift] { [.in, .onBreak, .out].filter(contains) }
}

extension RowOrder {
    /// All conditions in the order of the rows.
    static var conditions: [Condition] {
        Condition.allCases.sorted { rank($0, .in) < rank($1, .in) }
    }
}
