import Domain
import FoundationEssentials
import LibPQ

/// Finds out what changed of agents, and of their counts: one reader behind all of a replica's streams.
///
/// It goes round all agents again and again, and in between reads what commits of this replica, and of others, touched. The round
/// finds what no hint tells of: hints that were lost, agents that are gone, and what the mere passing of time does to a row.
struct FeedReader: Sendable {
    private let pool: PQPool
    private let reads: AgentReads
    private let summaries: SummaryReads
    private let clock: DatabaseClock

    /// How many are told what it reads: the larger the counts are and the more watch, the less often they are told.
    var watchers = 0

    private var memory = FeedMemory()
    private var position: Int64 = 0
    private var roundEndsNoSoonerThan = ContinuousClock.now
    private var roundBeganAt: ContinuousClock.Instant?
    private var counts = CountsPace()
    /// Since when the counts may be other than they were told.
    private var countsChangedAt: Timestamp?
    /// Every agent that is known was read then or later: when the last whole round began.
    ///
    /// What is touched in between is read sooner, which proves nothing of the others.
    private var provedAt = Timestamp(microseconds: 0)
    /// When the round under way began, or the last one, by the database's clock.
    private(set) var roundBeganOn = Timestamp(microseconds: 0)

    /// A round of a small fleet is not begun more often than this; a large one takes as long as it takes.
    static let roundInterval = Duration.seconds(2)
    /// Nor one that is wanted sooner, since so much was touched.
    static let wantedInterval = Duration.milliseconds(500)

    init(_ sources: FeedSources) {
        pool = sources.pool
        reads = sources.reads
        summaries = sources.summaries
        clock = sources.clock
    }

    /// Whether all agents are known, so that no change goes by unseen.
    var isComplete: Bool { memory.isComplete && counts.latest != nil }

    /// The counts as they are known now.
    var summary: Summary? { counts.latest }

    /// Reads once: what was touched, and a part of the round where it is due.
    ///
    /// What was read is remembered and will not be news again, so what was gathered before a failure is to be told all the same.
    ///
    /// - Parameters:
    ///   - touched: who changed, as far as somebody said so; taken out once they were read.
    ///   - news: gets what changed, in the order in which it is told.
    /// - Throws: when the database fails.
    mutating func read(_ touched: inout Touched, into news: inout [FeedEvent.Content]) async throws(PQError) {
        let begunAt = clock.now()
        let agents = try await readAgents(touched, at: begunAt)
        touched = Touched()
        if agents.contains(where: { $0.before != $0.after }) {
            countsChangedAt = countsChangedAt ?? begunAt
        }
        news += agents.map { FeedEvent.Content.agent($0) }
        if let latest = try await readSummary() { news.append(.summary(latest)) }
    }

    private mutating func readAgents(
        _ touched: Touched,
        at begunAt: Timestamp
    ) async throws(PQError) -> [FeedEvent.AgentNews] {
        if touched.wantsRound {
            let soonest = (roundBeganAt ?? .now) + Self.wantedInterval
            roundEndsNoSoonerThan = min(roundEndsNoSoonerThan, soonest)
        }
        let isWalking = !memory.isComplete || position > 0 || roundEndsNoSoonerThan <= .now
        guard isWalking || !touched.isEmpty else { return [] }
        if isWalking, position == 0 {
            roundBeganAt = .now
            roundBeganOn = begunAt
            roundEndsNoSoonerThan = .now + Self.roundInterval
        }
        var statements: [PQStatement] = []
        if !touched.isEmpty {
            statements.append(
                FeedStatements.touched(agents: touched.agents, instances: touched.instances)
            )
        }
        if isWalking { statements.append(FeedStatements.walk(after: position)) }
        let results = try await pool.pipeline(statements)
        let found = touched.isEmpty ? nil : try await standing(try AgentDetailRows.read(results[0]))
        var met: [(AgentDetails, AgentStanding)]?
        if isWalking, let result = results.last { met = try await standing(try AgentDetailRows.read(result)) }
        // From here on nothing fails: what is remembered is told.
        var news: [FeedEvent.AgentNews] = []
        if let found {
            news += memory.take(found, isTouched: true)
            news += memory.lose(Set(touched.agents).subtracting(found.map(\.0.agent)))
        }
        if let met {
            news += memory.take(met, isTouched: false)
            position = met.count < FeedStatements.chunk ? 0 : met.last?.0.agent ?? 0
            if position == 0 {
                news += memory.endRound()
                provedAt = max(provedAt, roundBeganOn)
            }
        }
        return news
    }

    private func standing(_ agents: [AgentDetails]) async throws(PQError) -> [(AgentDetails, AgentStanding)] {
        Array(zip(agents, try await reads.standings(agents)))
    }

    /// The counts, when it is time to tell them.
    ///
    /// They are those of the agents that are remembered. Of a fleet that is too large for that they are counted by the database:
    /// such a count is shared with others and may be a little old; then it is asked for again.
    private mutating func readSummary() async throws(PQError) -> Summary? {
        guard memory.isComplete, counts.isDue(hasChanged: countsChangedAt != nil, watchers: watchers, now: .now) else {
            return nil
        }
        if let groups = memory.groups {
            let told = counts.take(Summary(groups: groups, asOf: provedAt), now: .now)
            if counts.latest?.groups == groups { countsChangedAt = nil }
            return told
        }
        let latest = try await summaries.summary()
        if let changedAt = countsChangedAt, latest.asOf >= changedAt { countsChangedAt = nil }
        return counts.take(latest, now: .now)
    }
}

/// Where the feed reads from.
struct FeedSources: Sendable {
    var pool: PQPool
    var reads: AgentReads
    var summaries: SummaryReads
    var incidents: IncidentReads
    var unmatched: UnmatchedCount
    var clock: DatabaseClock
}
