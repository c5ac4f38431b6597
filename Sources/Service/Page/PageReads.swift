import Domain

/// What the pages are put together from.
struct PageReads: Sendable {
    let fleet: FleetReads
    let story: AgentStory
    let sources: SourceStory
    let stats: StatsStory
    let unmatched: UnmatchedCount
    let clock: DatabaseClock
    private let names: UnmatchedNames

    init(_ dependencies: PageDependencies) {
        let management = dependencies.management
        let history = HistoryReads(pool: management.readPool)
        let pulses = EnginePulseReads(pool: management.readPool)
        let summaries = dependencies.feed.sources.summaries
        unmatched = management.unmatchedCount
        clock = management.clock
        names = management.unmatchedNames
        fleet = FleetReads(
            agents: management.reads,
            summaries: summaries,
            incidents: management.incidents,
            held: GuardReads(pool: management.readPool),
            unmatched: unmatched,
            pulses: pulses,
            feed: dependencies.feed,
            clock: management.clock
        )
        story = AgentStory(
            agents: management.reads,
            history: history,
            timelines: TimelineReads(
                history: history,
                freshness: management.freshness,
                breakAction: management.policy.breakAction
            ),
            held: GuardReads(pool: management.readPool),
            freshness: management.freshness,
            pulses: pulses,
            restartWindow: management.policy.restartWindow,
            clock: management.clock
        )
        sources = SourceStory(
            sources: management.sourceReads,
            deliveries: management.deliveryReads,
            clock: management.clock
        )
        stats = StatsStory(
            stats: management.statsReads,
            zones: ZoneReads(pool: management.readPool),
            summaries: summaries,
            clock: management.clock
        )
    }

    /// The names that are nobody's; none for a caller who is bound to teams.
    func unmatchedNames(
        _ query: QueryParameters,
        for caller: Caller,
        frame: PageFrame
    ) async throws -> UnmatchedModel {
        let position = try query["cursor"].map { word throws(Problem) in try UnmatchedNames.Position(word: word) }
        let source = query["source"]
        let page =
            caller.teams != nil
            ? ([], nil)
            : try await names.page(
                source: source,
                after: position ?? UnmatchedNames.Position(),
                limit: UnmatchedModel.pageSize
            )
        return UnmatchedModel(
            frame: frame,
            caller: caller,
            source: source,
            names: page.0,
            next: page.1,
            now: clock.now()
        )
    }
}
