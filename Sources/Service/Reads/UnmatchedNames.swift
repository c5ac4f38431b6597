package import Domain
package import LibPQ

/// A name that a source uses and under which events are unmatched.
package struct UnmatchedName: Sendable, Equatable {
    package var sourceID: Int32
    package var source: String
    package var externalID: String
    /// Its unmatched events; ``UnmatchedNames/eventLimit`` stands for that many or more.
    package var events: Int
    /// How many of them the agent left out whom the name belongs to.
    package var leftOut: Int
    package var firstOccurredAt: Timestamp
    package var lastOccurredAt: Timestamp
    package var kinds: [PunchKind]
    /// The agent whom the name belongs to; `nil` while it is nobody's.
    package var agentID: String?
    /// What an agent without any other event would do now if it got these.
    package var shift: Shift = .out
    package var since: Timestamp?
    /// Agents whom it may be, at most ``UnmatchedNames/suggestionLimit``.
    package var suggestions: [NameSuggestion] = []

    /// Why its events are unmatched, in one word.
    package var reason: String { agentID == nil ? "unknown_name" : LeftOutReason.tooOldToStart.rawValue }

    /// Whether something would start now if somebody said whose the events are.
    package var startsNow: Bool { agentID == nil && shift != .out }
}

/// An agent whom a name may mean, and what says so.
package struct NameSuggestion: Sendable, Equatable {
    package var agentID: String
    package var name: String
    /// `agent_id`, `name`: the same as the external id but for capitals; `alias`: another source calls the agent so.
    package var because: String
}

/// Reads the names under which events are unmatched, by source and external id.
package struct UnmatchedNames: Sendable {
    private let pool: PQPool
    private let policy: ReconcilePolicy
    private let clock: DatabaseClock

    /// Names that one page looks at, some of them without an unmatched event by now; a page may then hold fewer than
    /// asked for, even none, while there is a next one.
    static let walkLimit = 200
    /// Names on one page.
    package static let pageLimit = 100
    /// Events of one name that are counted.
    static let eventLimit = 10_000
    /// The newest events of one name by which is judged what would start.
    static let judgedLimit = 1_000
    static let suggestionLimit = 5

    package init(pool: PQPool, policy: ReconcilePolicy, clock: DatabaseClock) {
        self.pool = pool
        self.policy = policy
        self.clock = clock
    }

    /// Where a list goes on.
    package struct Position: Sendable, Equatable {
        var sourceID: Int32 = 0
        var externalID: String = ""

        var word: String { "\(sourceID)." + TextCursor.word(externalID) }

        package init() {}

        /// Where the part of a list begins that is about one source; a position of another source's is its beginning.
        init(_ position: Position, within source: Int32?) {
            self = position
            guard let source, source != sourceID else { return }
            sourceID = source
            externalID = ""
        }

        init(_ name: UnmatchedName) {
            sourceID = name.sourceID
            externalID = name.externalID
        }

        init(word: String) throws(Problem) {
            let parts = word.split(separator: ".", omittingEmptySubsequences: false)
            guard parts.count == 2, let sourceID = Int32(parts[0]), let externalID = TextCursor.text(parts[1]) else {
                throw .foreignCursor
            }
            self.sourceID = sourceID
            self.externalID = externalID
        }
    }

    /// One page, and where the next one begins.
    ///
    /// `source`: name of the only source to show; `nil` for all.
    /// `limit`: 1 to ``pageLimit``.
    package func page(
        source: String?,
        after position: Position = Position(),
        limit: Int
    ) async throws(PQError) -> (names: [UnmatchedName], next: Position?) {
        var sourceID: Int32?
        if let source {
            sourceID = try await number(of: source)
            guard sourceID != nil else { return ([], nil) }
        }
        let walk = UnmatchedNameStatements.walk(source: sourceID, after: position)
        let walked = try Self.read(try await pool.query(walk))
        var names = walked.filter { $0.events > 0 }
        var next: Position?
        if names.count > limit {
            names = Array(names.prefix(limit))
            next = names.last.map(Position.init)
        } else if walked.count == Self.walkLimit {
            next = walked.last.map(Position.init)
        }
        guard !names.isEmpty else { return ([], next) }
        let results = try await pool.pipeline([
            UnmatchedNameStatements.punches(names), UnmatchedNameStatements.suggestions(names),
        ])
        try judge(&names, results[0])
        try Self.suggest(&names, results[1])
        return (names, next)
    }

    /// Index: `clock_sources_name_key`.
    private func number(of source: String) async throws(PQError) -> Int32? {
        try await pool.rows("SELECT source_id FROM clock_sources WHERE name = \(source)") { row throws(PQError) in
            try row.column("source_id", as: Int32.self)
        }.first
    }

    /// Judges by the same rule as the mapping itself what would start now.
    private func judge(_ names: inout [UnmatchedName], _ result: PQResult) throws(PQError) {
        let now = clock.now()
        // The rows carry the place of the name where those of agents carry the agent.
        for (place, rows) in try LedgerStatements.readPunches(result) {
            let own = rows.filter { !$0.isOfAnother }
            let others = rows.filter(\.isOfAnother)
            let taken = Set(match(own, held: others, maxAge: policy.unmatchedMaxAge, now: now).taken)
            let state = fold(others + own.filter { taken.contains($0.sequence) }, now: now)
            names[Int(place) - 1].shift = state.shift
            names[Int(place) - 1].since = state.since
        }
    }

    private static func suggest(_ names: inout [UnmatchedName], _ result: PQResult) throws(PQError) {
        for row in result {
            let place = Int(try row.column("place", as: Int64.self)) - 1
            let suggestion = NameSuggestion(
                agentID: try row.column("agent_id", as: String.self),
                name: try row.column("name", as: String.self),
                because: try row.column("because", as: String.self)
            )
            guard names[place].suggestions.count < suggestionLimit,
                !names[place].suggestions.contains(where: { $0.agentID == suggestion.agentID })
            else { continue }
            names[place].suggestions.append(suggestion)
        }
    }

    private static func read(_ result: PQResult) throws(PQError) -> [UnmatchedName] {
        let never = Timestamp(seconds: 0)
        return try result.decoded { row throws(PQError) in
            UnmatchedName(
                sourceID: try row.column("source_id", as: Int32.self),
                source: try row.column("source", as: String.self),
                externalID: try row.column("external_id", as: String.self),
                events: Int(try row.column("events", as: Int64.self)),
                leftOut: Int(try row.column("left_out", as: Int64.self)),
                firstOccurredAt: try row.column("first_at", as: Timestamp?.self) ?? never,
                lastOccurredAt: try row.column("last_at", as: Timestamp?.self) ?? never,
                kinds: (try row.column("kinds", as: [Int16]?.self) ?? []).compactMap(PunchKind.init(code:)),
                agentID: try row.column("agent_id", as: String?.self)
            )
        }
    }
}
