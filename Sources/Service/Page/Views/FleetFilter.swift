import Domain
import Hummingbird

/// What the address of the fleet's page asks for.
///
/// The same words as `GET /v1/agents` takes, and the order.
struct FleetFilter: Sendable, Hashable {
    /// In which order the agents stand.
    enum Sort: String, Sendable, Hashable, CaseIterable {
        /// By id, as the list of the API.
        case agent
        case name
        case team
        /// Worst first.
        case state
        /// Newest change first.
        case since
    }

    /// The empty one for who is in none.
    var team: String?
    var shift: Shift?
    var condition: Condition?
    var agreement: Agreement?
    var search: String?
    var sort: Sort?
    var cursor: String?

    /// Beside an agreement a condition is left out: it is known from that, or is what was asked for before.
    ///
    /// - Throws: `invalid_field`.
    init(_ query: QueryParameters) throws(Problem) {
        team = try query.team()
        shift = try query.word("shift", as: Shift.self)
        agreement = try query.word("agreement", as: Agreement.self)
        let asked = try query.word("condition", as: Condition.self)
        condition = agreement == nil ? asked : nil
        search = query["q"]
        sort = try query.word("sort", as: Sort.self)
        cursor = query["cursor"]
        if let search { try checkText(search, field: "q") }
    }

    var isFiltered: Bool { team != nil || isNarrow }

    /// Whether it leaves out some of a team.
    var isNarrow: Bool { shift != nil || condition != nil || agreement != nil || search != nil }

    /// What of it the caller may see.
    func agents(for caller: Caller) -> AgentFilter {
        var filter = AgentFilter(
            teams: caller.teams?.sorted(),
            shift: shift,
            condition: condition,
            agreement: agreement,
            search: search
        )
        if let team { filter.teams = caller.sees(team: team) ? [team] : [] }
        return filter
    }

    /// What a count of the team's agents on this shift leads to: those very agents, and back from there.
    func with(shift: Shift) -> FleetFilter {
        var other = self
        if self.shift != shift { other = ofTeam }
        other.shift = self.shift == shift ? nil : shift
        return other
    }

    /// What a count of the team's agents in this condition leads to: those very agents, and back from there.
    func with(condition: Condition) -> FleetFilter {
        var other = self
        if self.condition != condition { other = ofTeam }
        other.condition = self.condition == condition ? nil : condition
        return other
    }

    /// What a team's counts lead to: all of the team, and back from there.
    func with(team: String) -> FleetFilter {
        var other = self
        if self.team != team { other = ofTeam }
        other.team = self.team == team ? nil : team
        return other
    }

    /// All of the team, in the same order.
    private var ofTeam: FleetFilter {
        var other = self
        other.shift = nil
        other.condition = nil
        other.agreement = nil
        other.search = nil
        return other
    }

    /// The filter as the part of an address behind the path, empty for no filter.
    ///
    /// `isSorted`: whether the order is part of it; streams and lists know none.
    func query(_ more: [String: String] = [:], isSorted: Bool = true) -> String {
        var pairs = [
            ("team", team.flatMap { $0.isEmpty ? nil : $0 }), ("no_team", team == "" ? "true" : nil),
            ("shift", shift?.rawValue), ("condition", condition?.rawValue), ("agreement", agreement?.rawValue),
            ("q", search),
        ]
        if isSorted { pairs.append(("sort", sort?.rawValue)) }
        pairs += more.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        let parts = pairs.compactMap { name, value in value.map { "\(name)=\(pathEscaped($0))" } }
        return parts.isEmpty ? "" : "?" + parts.joined(separator: "&")
    }
}

extension FleetFilter.Sort {
    /// The rows in this order.
    func order(_ rows: [RowModel]) -> [RowModel] {
        rows.sorted { left, right in
            switch self {
            case .agent: break
            case .name where left.details.name != right.details.name: return left.details.name < right.details.name
            case .team where left.details.team != right.details.team: return left.details.team < right.details.team
            case .state where left.agreement != right.agreement: return left.agreement.rank < right.agreement.rank
            case .state where left.standing.since != right.standing.since:
                return left.standing.since < right.standing.since
            case .since where left.standing.since != right.standing.since:
                return left.standing.since > right.standing.since
            case .name, .team, .state, .since: break
            }
            return left.details.agentID < right.details.agentID
        }
    }
}
