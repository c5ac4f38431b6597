package import FoundationEssentials

/// What the holder of a key may do.
package enum Role: String, Sendable, Hashable, CaseIterable {
    /// Posts clock events and nothing else.
    case clock
    case view
    /// Holds, retries, policies; and what `view` may.
    case manage
    /// Everything, clock events too.
    case admin

    /// Whether a key of this role may do what needs `needed`.
    package func includes(_ needed: Role) -> Bool {
        switch (self, needed) {
        case (.admin, _), (.clock, .clock), (.view, .view), (.manage, .view), (.manage, .manage): true
        case (.clock, _), (.view, _), (.manage, _): false
        }
    }
}

/// Who makes a request: a live key.
package struct Caller: Sendable, Hashable {
    package var keyID: UUID
    /// For the audit trail; holds carry it as their author.
    package var name: String
    package var role: Role
    /// The teams it is bound to; `nil` for all.
    package var teams: Set<String>?
    /// The clock source its events belong to; `nil` for the source `api`.
    package var sourceName: String?
    package var sourceID: Int32

    package init(
        keyID: UUID,
        name: String,
        role: Role,
        teams: Set<String>? = nil,
        sourceName: String? = nil,
        sourceID: Int32
    ) {
        self.keyID = keyID
        self.name = name
        self.role = role
        self.teams = teams
        self.sourceName = sourceName
        self.sourceID = sourceID
    }

    /// The teams it is bound to, always in the same order; `nil` for all.
    var teamList: [String]? { teams?.sorted() }

    /// Whether an agent of this team exists for the caller.
    package func sees(team: String) -> Bool {
        teams?.contains(team) ?? true
    }
}
