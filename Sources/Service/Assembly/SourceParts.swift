import LibPQ
import Logging

/// What takes in what clock sources send, fetches what they only name, and writes down what came of it.
struct SourceParts: Sendable {
    /// What came of requests; the native routes count theirs in it, too.
    let journal: SourceJournal
    /// Where large deliveries are read.
    let room: ReadingRoom
    let routes: SourceRoutes
    let fetchLoop: RecordFetchLoop
    let watch: SourceWatch

    /// Makes the configured sources known to the database.
    ///
    /// `queue`: where events are appended.
    init(
        _ configuration: RollcallConfiguration,
        pools: Pools,
        queue: AppendQueue,
        logger: Logger
    ) async throws(PQError) {
        let pool = pools.writers
        let journal = SourceJournal()
        let room = ReadingRoom()
        let numbers = try await Registry(pool: pool).sources(configuration.sources.map(\.name))
        let fetches = RecordFetchQueue(pool: pool)
        let keeper = DeliveryKeeper(pool: pool, fetches: fetches)
        routes = SourceRoutes(
            desks: configuration.sources.compactMap { source in
                numbers[source.name].map { SourceDesk(source, sourceID: $0, skew: configuration.clockSkew) }
            },
            queue: queue,
            keeper: keeper,
            journal: journal,
            clock: configuration.clock,
            limits: configuration.bodyLimits,
            room: room,
            logger: logger
        )
        fetchLoop = RecordFetchLoop(
            sources: configuration.sources,
            sourceIDs: numbers,
            fetches: fetches,
            queue: queue,
            keeper: keeper,
            clock: configuration.clock,
            skew: configuration.clockSkew,
            logger: logger
        )
        watch = Self.watch(configuration, numbers, journal, pool, logger)
        self.journal = journal
        self.room = room
    }

    private static func watch(
        _ configuration: RollcallConfiguration,
        _ numbers: [String: Int32],
        _ journal: SourceJournal,
        _ pool: PQPool,
        _ logger: Logger
    ) -> SourceWatch {
        var names: [Int32: String] = [:]
        var limits: [Int32: Duration] = [:]
        var fetching: [Int32] = []
        for source in configuration.sources {
            guard let number = numbers[source.name] else { continue }
            names[number] = source.name
            if source.silence > .zero { limits[number] = source.silence }
            if source.fetcher != nil { fetching.append(number) }
        }
        return SourceWatch(
            pool: pool,
            journal: journal,
            meters: SourceMeters(names),
            redactor: configuration.redactor,
            names: names,
            silenceLimits: limits,
            fetchingSources: fetching,
            logger: logger
        )
    }
}
