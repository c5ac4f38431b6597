import Domain

/// Gathers what the page of figures shows.
struct StatsStory: Sendable {
    let stats: StatsReads
    let zones: ZoneReads
    let summaries: SummaryReads
    let clock: DatabaseClock

    private static let teamLimit = 500

    /// The figures of one day, of one team or of all that the caller sees.
    ///
    /// A day is one of the zone that is asked for, else of the one that most of these agents live in: whoever manages a team
    /// means the day that the team works.
    ///
    /// - Throws: ``Problem`` for a day or a zone that is none; `PQError`.
    func page(_ query: QueryParameters, for caller: Caller, frame: PageFrame) async throws -> StatsModel {
        let now = clock.now()
        var asked = caller.teams?.sorted()
        if let team = query["team"] { asked = caller.sees(team: team) ? [team] : [] }
        let zones = try await zones.zones(ofTeams: asked)
        if let zone = query["zone"], SystemZones.rules(named: zone) == nil {
            throw Problem.invalid("zone", "Expected a time zone, as Europe/Berlin.")
        }
        let local = LocalClock(zoneName: query["zone"] ?? zones.first ?? "UTC")
        let today = local.date(now)
        let day = query["day"] ?? today
        guard let span = local.day(of: day) else {
            throw Problem.invalid("day", "Expected a date, as 2026-03-02.")
        }
        let summary = try await summaries.summary().visible(to: caller)
        let teams = Set(summary.groups.map(\.team)).subtracting([""]).sorted()
        let to = max(min(span.to, now), span.from + .seconds(1))
        let question = StatsReads.Question(teams: asked, from: span.from, to: to, hoursFrom: span.from)
        return StatsModel(
            frame: frame,
            figures: try await stats.stats(question),
            day: day,
            today: today,
            length: span.to - span.from,
            clock: local,
            zones: Set(zones + [local.name]).sorted(),
            team: query["team"],
            teams: Array(teams.prefix(Self.teamLimit)),
            isOfTeams: asked != nil,
            now: now
        )
    }
}
