import Domain

/// Gathers what the page of figures shows.
struct StatsStory: Sendable {
    let stats: StatsReads
    let summaries: SummaryReads
    let clock: DatabaseClock

    private static let teamLimit = 500

    /// The figures of one day, of one team or of all that the caller sees.
    ///
    /// - Throws: ``Problem`` for a day that is none; `PQError`.
    func page(_ query: QueryParameters, for caller: Caller, frame: PageFrame) async throws -> StatsModel {
        let now = clock.now()
        let today = String(now.rfc3339.prefix(10))
        let day = query["day"] ?? today
        guard let from = Timestamp(rfc3339: day + "T00:00:00Z") else {
            throw Problem.invalid("day", "Expected a date, as 2026-03-02.")
        }
        let summary = try await summaries.summary().visible(to: caller)
        let teams = Set(summary.groups.map(\.team)).subtracting([""]).sorted()
        let to = max(min(from + .seconds(86_400), now), from + .seconds(1))
        var asked = caller.teams?.sorted()
        if let team = query["team"] { asked = caller.sees(team: team) ? [team] : [] }
        return StatsModel(
            frame: frame,
            figures: try await stats.stats(StatsReads.Question(teams: asked, from: from, to: to)),
            day: day,
            today: today,
            team: query["team"],
            teams: Array(teams.prefix(Self.teamLimit)),
            now: now
        )
    }
}
