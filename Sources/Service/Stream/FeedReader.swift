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
    /// The next round begins no sooner.
    private(set) var nextRoundAt = ContinuousClock.now
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
    /// Whether a round was wanted and has not begun, and whether the one under way was: pages wait for it, since so much was touched or
    /// nobody knows what was.
    private var isRoundWanted = false
    private var isRoundHurried = false
    /// When the next part of the round is read, where nobody waits for it.
    private(set) var walksNextAt = ContinuousClock.now
    /// What the round found between two reads.
    private var untold: [FeedEvent.Content] = []

    /// A round is not begun more often than this; of a large fleet it takes as long as it takes.
    private var roundInterval: Duration { memory.count <= Self.small ? .seconds(2) : .seconds(5) }
    /// Nor one that is wanted sooner, since so much was touched.
    static let wantedInterval = Duration.milliseconds(500)
    /// Agents of a fleet of which a round costs next to nothing.
    private static let small = 1000

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

    /// Whether a round is under way.
    var isRoundOpen: Bool { !memory.isComplete || position > 0 }

    /// Whether a part of the round is to be read.
    var isWalkDue: Bool {
        (isRoundOpen || nextRoundAt <= .now) && (!hasTime || walksNextAt <= .now)
    }

    /// Whether something was found that waits to be told with the next read.
    var hasUntold: Bool { !untold.isEmpty }

    /// Whether nobody waits for the round: then it goes by small parts, each of which keeps an event waiting less.
    var hasTime: Bool { isComplete && !isRoundHurried && !isRoundWanted }

    /// Reads once: what was touched, and a part of the round where it is due.
    ///
    /// What was read is remembered and will not be news again, so what was gathered before a failure is to be told all the same.
    ///
    /// - Parameters:
    ///   - touched: who changed, as far as somebody said so; taken out once they were read.
    ///   - news: gets what changed, in the order in which it is told.
    /// - Throws: when the database fails.
    mutating func read(_ touched: inout Touched, into news: inout [FeedEvent.Content]) async throws(PQError) {
        news += untold
        untold = []
        news += try await readAgents(touched)
        touched = Touched()
        if let latest = try await readSummary() { news.append(.summary(latest)) }
    }

    /// Reads a part of the round where one is due, and no more; what it finds is told with what is read next.
    ///
    /// - Throws: when the database fails.
    mutating func walk() async throws(PQError) { untold += try await readAgents(Touched()) }

    private mutating func readAgents(_ touched: Touched) async throws(PQError) -> [FeedEvent.Content] {
        let begunAt = clock.now()
        let agents = try await readAgents(touched, at: begunAt)
        if agents.contains(where: { $0.before != $0.after }) {
            countsChangedAt = countsChangedAt ?? begunAt
        }
        return agents.map { FeedEvent.Content.agent($0) }
    }

    private mutating func readAgents(
        _ touched: Touched,
        at begunAt: Timestamp
    ) async throws(PQError) -> [FeedEvent.AgentNews] {
        if touched.wantsRound {
            isRoundWanted = true
            let soonest = (roundBeganAt ?? .now) + Self.wantedInterval
            nextRoundAt = min(nextRoundAt, soonest)
        }
        let isWalking = isWalkDue
        guard isWalking || !touched.isEmpty else { return [] }
        let walkedAt = ContinuousClock.now
        let portion = hasTime ? FeedStatements.portion(of: memory.count) : FeedStatements.largePortion
        var statements: [PQStatement] = []
        if !touched.isEmpty {
            statements.append(
                FeedStatements.touched(agents: touched.agents, instances: touched.instances)
            )
        }
        if isWalking { statements.append(FeedStatements.walk(after: position, limit: portion)) }
        let results = try await pool.pipeline(statements)
        let found = touched.isEmpty ? nil : try await standing(try AgentDetailRows.read(results[0]))
        var met: [(AgentDetails, AgentStanding)]?
        if isWalking, let result = results.last { met = try await standing(try AgentDetailRows.read(result)) }
        // From here on nothing fails: what is remembered is told. What failed is due as before.
        if isWalking { noteWalk(at: walkedAt, begunAt) }
        var news: [FeedEvent.AgentNews] = []
        if let found {
            news += memory.take(found, isTouched: true)
            news += memory.lose(Set(touched.agents).subtracting(found.map(\.0.agent)))
        }
        if let met {
            news += memory.take(met, isTouched: false)
            position = met.count < portion ? 0 : met.last?.0.agent ?? 0
            if position == 0 {
                isRoundHurried = false
                news += memory.endRound()
                provedAt = max(provedAt, roundBeganOn)
            }
        }
        return news
    }

    /// A part of the round was read, its first one where no round was under way.
    private mutating func noteWalk(at instant: ContinuousClock.Instant, _ begunAt: Timestamp) {
        walksNextAt = instant + ReadPace.walkInterval
        guard position == 0 else { return }
        isRoundHurried = isRoundWanted
        isRoundWanted = false
        roundBeganAt = instant
        roundBeganOn = begunAt
        nextRoundAt = instant + roundInterval
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
