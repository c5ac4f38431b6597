import Domain
import Hummingbird

/// What the address of the fleet's page asks for.
///
/// The same words as `GET /v1/agents` takes.
struct FleetFilter: Sendable, Hashable {
    var team: String?
    var shift: Shift?
    var condition: Condition?
    var search: String?
    var cursor: String?

    /// - Throws: `invalid_field`.
    init(_ query: QueryParameters) throws(Problem) {
        team = query["team"]
        shift = try query.word("shift", as: Shift.self)
        condition = try query.word("condition", as: Condition.self)
        search = query["q"]
        cursor = query["cursor"]
        if let search { try checkText(search, field: "q") }
    }

    var isFiltered: Bool { team != nil || shift != nil || condition != nil || search != nil }

    /// What of it the caller may see.
    func agents(for caller: Caller) -> AgentFilter {
        var filter = AgentFilter(teams: caller.teams?.sorted(), shift: shift, condition: condition, search: search)
        if let team { filter.teams = caller.sees(team: team) ? [team] : [] }
        return filter
    }

    func with(shift: Shift) -> FleetFilter {
        var other = self
        other.shift = self.shift == shift ? nil : shift
        return other
    }

    func with(condition: Condition) -> FleetFilter {
        var other = self
        other.condition = self.condition == condition ? nil : condition
        return other
    }

    /// The filter as the part of an address behind the path, empty for no filter.
    func query(_ more: [String: String] = [:]) -> String {
        var pairs = [("team", team), ("shift", shift?.rawValue), ("condition", condition?.rawValue), ("q", search)]
        pairs += more.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        let parts = pairs.compactMap { name, value in value.map { "\(name)=\(pathEscaped($0))" } }
        return parts.isEmpty ? "" : "?" + parts.joined(separator: "&")
    }
}
