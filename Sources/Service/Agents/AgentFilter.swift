package import Domain

/// Which agents a list shows, and where it goes on.
package struct AgentFilter: Sendable, Hashable {
    /// The teams to show, each once and in order, since a list goes on after a team; `nil` for all.
    package internal(set) var teams: [String]?
    package var shift: Shift?
    package var condition: Condition?
    /// How shift and session agree, as the page's badges say it.
    package var agreement: Agreement?
    /// Part of agent id, name, instance id or session name, without case.
    package var search: String?

    /// `teams`: in any order.
    package init(
        teams: [String]? = nil,
        shift: Shift? = nil,
        condition: Condition? = nil,
        agreement: Agreement? = nil,
        search: String? = nil
    ) {
        self.teams = teams.map { Set($0).sorted() }
        self.shift = shift
        self.condition = condition
        self.agreement = agreement
        self.search = search
    }

    /// Whether rows of the walk may be left out.
    var leavesOut: Bool { shift != nil || askedCondition != nil || search != nil }

    /// The condition that is asked for, by itself or as that of an agreement.
    var askedCondition: Condition? { agreement?.terms.condition ?? condition }

    /// Whether nobody can fit it, since an agreement of another condition is asked for.
    var isContradictory: Bool { condition != nil && condition != askedCondition }
}

extension AgentFilter {
    /// Reads the parameters of a list.
    ///
    /// A key bound to teams sees no other.
    ///
    /// - Throws: `invalid_field`.
    init(_ query: QueryParameters, caller: Caller) throws(Problem) {
        self.init(
            teams: caller.teams.map(Array.init),
            shift: try query.word("shift", as: Shift.self),
            condition: try query.word("condition", as: Condition.self),
            agreement: try query.word("agreement", as: Agreement.self),
            search: query["q"]
        )
        if let team = try query.team() { teams = caller.sees(team: team) ? [team] : [] }
        if let search { try checkText(search, field: "q") }
    }
}

extension QueryParameters {
    /// The team that is asked for; the empty one, which no value of `team` can name, for those who are in none.
    func team() throws(Problem) -> String? {
        if let team = self["team"] { return team }
        return try flag("no_team") ? "" : nil
    }
}

/// Where a list goes on: after which agent of which team, or after which instance.
///
/// Clients hold it as an opaque word.
enum AgentCursor: Sendable, Hashable {
    /// By agent id; `team` is empty where all teams are walked together.
    case agent(team: String, after: String)
    /// By instance, where few have the condition that is asked for.
    case instance(after: Int64)

    /// The opaque word: hexadecimal, so that it needs no escaping anywhere.
    var word: String {
        let text =
            switch self {
            case .agent(let team, let after): "a\(after)\u{0}\(team)"
            case .instance(let after): "i\(after)"
            }
        return Hexadecimal.text(text.utf8)
    }

    /// Reads back ``word``; `nil` for anything else.
    init?(word: String) {
        guard let bytes = Hexadecimal.bytes(word), let text = String(validating: bytes, as: UTF8.self),
            let kind = text.first
        else { return nil }
        let parts = text.dropFirst().split(separator: "\u{0}", omittingEmptySubsequences: false)
        switch (kind, parts.count) {
        case ("a", 2):
            self = .agent(team: String(parts[1]), after: String(parts[0]))
        case ("i", 1):
            guard let after = Int64(parts[0]) else { return nil }
            self = .instance(after: after)
        default:
            return nil
        }
    }
}
