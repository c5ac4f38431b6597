import Domain
import FoundationEssentials
import LibPQ

/// Finds out what changed: the one reader behind all of a replica's streams.
///
/// It goes round all agents again and again, and in between reads what commits of this replica, and of others, touched. The round
/// finds what no hint tells of: hints that were lost, agents that are gone, and what the mere passing of time does to a row.
struct FeedReader: Sendable {
    private let pool: PQPool
    private let reads: AgentReads
    private let summaries: SummaryReads
    private let incidents: IncidentReads
    private let unmatched: UnmatchedCount
    private let clock: DatabaseClock

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
    private var knownIncidents: [Int64: Incident]?
    private var incidentsDueAt = ContinuousClock.now
    private var pulsesDueAt = ContinuousClock.now
    private var knownWaiting: Waiting?
    private var waitingDueAt = ContinuousClock.now

    /// A round of a small fleet is not begun more often than this; a large one takes as long as it takes.
    static let roundInterval = Duration.seconds(2)
    /// Nor one that is wanted sooner, since so much was touched.
    static let wantedInterval = Duration.milliseconds(500)
    static let incidentInterval = Duration.seconds(2)
    static let pulseInterval = Duration.seconds(1)
    /// What waits is asked for so often, or, where that takes long since many names are nobody's, for this part of the time.
    static let waitingInterval = Duration.seconds(1)
    static let waitingShare = 50

    init(_ sources: FeedSources) {
        pool = sources.pool
        reads = sources.reads
        summaries = sources.summaries
        incidents = sources.incidents
        unmatched = sources.unmatched
        clock = sources.clock
    }

    /// Whether all agents are known, so that no change goes by unseen.
    var isComplete: Bool { memory.isComplete && counts.latest != nil && knownIncidents != nil }

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
        news += try await readIncidents().map { .incident($0) }
        if try await readWaiting() { news.append(.waiting) }
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
                FeedStatements.touched(agents: Array(touched.agents), instances: Array(touched.instances))
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
            news += memory.lose(touched.agents.subtracting(found.map(\.0.agent)))
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
        guard memory.isComplete, counts.isDue(hasChanged: countsChangedAt != nil, now: .now) else { return nil }
        if let groups = memory.groups {
            let told = counts.take(Summary(groups: groups, asOf: provedAt), now: .now)
            if counts.latest?.groups == groups { countsChangedAt = nil }
            return told
        }
        let latest = try await summaries.summary()
        if let changedAt = countsChangedAt, latest.asOf >= changedAt { countsChangedAt = nil }
        return counts.take(latest, now: .now)
    }

    /// How the engines do, when it is time to ask again.
    mutating func readPulses() async throws(PQError) -> [EnginePulse]? {
        guard pulsesDueAt <= .now else { return nil }
        pulsesDueAt = .now + Self.pulseInterval
        return try await pool.rows(EnginePulse.statement()) { row throws(PQError) in try EnginePulse(row) }
    }

    private mutating func readIncidents() async throws(PQError) -> [Incident] {
        guard incidentsDueAt <= .now else { return [] }
        incidentsDueAt = .now + Self.incidentInterval
        let latest = try await incidents.incidents(for: .everyTeam)
        defer { knownIncidents = Dictionary(latest.map { ($0.id, $0) }) { first, _ in first } }
        guard let knownIncidents else { return [] }
        return latest.reversed().filter { knownIncidents[$0.id] != $0 }
    }

    /// What waits for somebody and is no agent: names that are nobody's, by source, and parts, by change.
    private struct Waiting: Equatable {
        var names: [Int32: UnmatchedTally]
        var parts: [Int64: Int64]
    }

    /// Whether something else waits than before.
    private mutating func readWaiting() async throws(PQError) -> Bool {
        guard waitingDueAt <= .now else { return false }
        let began = ContinuousClock.now
        waitingDueAt = began + Self.waitingInterval
        var latest = Waiting(names: try await unmatched.recount(), parts: [:])
        for row in try await pool.query(FeedStatements.waitingParts) {
            latest.parts[try row.column("change", as: Int64.self)] = try row.column("waiting", as: Int64.self)
        }
        waitingDueAt = max(waitingDueAt, .now + (.now - began) * Self.waitingShare)
        defer { knownWaiting = latest }
        return knownWaiting.map { $0 != latest } ?? false
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

extension Caller {
    /// The feed itself, which sees everything; what it sees is cut for each subscriber.
    fileprivate static let everyTeam = Caller(keyID: UUID(), name: "feed", role: .view, sourceID: 0)
}
