import Domain
import FoundationEssentials
import LibPQ

/// Finds out what stands beside the agents: incidents, what else waits for somebody, how the engines do.
///
/// It reads apart from ``FeedReader``: counting whom an incident concerns may take long in a large fleet, and news of agents do not
/// wait for it.
struct FeedSideReader: Sendable {
    private let pool: PQPool
    private let incidents: IncidentReads
    private let unmatched: UnmatchedCount

    private var knownIncidents: [Int64: Incident]?
    private var openIncidents: [Int64] = []
    private var incidentsDueAt = ContinuousClock.now
    private var pulsesDueAt = ContinuousClock.now
    private var knownWaiting: Waiting?
    private var waitingDueAt = ContinuousClock.now
    private var waitingPace = WaitingPace()

    /// Whom incidents concern is counted so often; that one begins or ends is seen whenever there is a look at all.
    static let incidentInterval = Duration.seconds(2)
    static let pulseInterval = Duration.seconds(1)
    /// What waits is asked for so often, or as seldom as ``WaitingPace`` says.
    static let waitingInterval = ChangeFeed.interval

    init(_ sources: FeedSources) {
        pool = sources.pool
        incidents = sources.incidents
        unmatched = sources.unmatched
    }

    /// Whether all incidents are known, so that no change goes by unseen.
    var isComplete: Bool { knownIncidents != nil }

    /// Reads once what is due.
    ///
    /// What was read is remembered and will not be news again, so what was gathered before a failure is to be told all the same.
    ///
    /// - Parameter news: gets what changed, in the order in which it is told.
    /// - Returns: how the engines do, when it was time to ask.
    /// - Throws: when the database fails.
    mutating func read(into news: inout [FeedEvent.Content]) async throws(PQError) -> [EnginePulse]? {
        news += try await readIncidents().map { .incident($0) }
        if try await readWaiting() { news.append(.waiting) }
        return try await readPulses()
    }

    /// How the engines do, when it is time to ask again.
    private mutating func readPulses() async throws(PQError) -> [EnginePulse]? {
        guard pulsesDueAt <= .now else { return nil }
        pulsesDueAt = .now + Self.pulseInterval
        return try await pool.rows(EnginePulse.statement()) { row throws(PQError) in try EnginePulse(row) }
    }

    private mutating func readIncidents() async throws(PQError) -> [Incident] {
        let open = try await pool.rows(FeedStatements.openIncidents) { row throws(PQError) in
            try row.column("incident", as: Int64.self)
        }
        guard incidentsDueAt <= .now || open != openIncidents else { return [] }
        incidentsDueAt = .now + Self.incidentInterval
        let latest = try await incidents.incidents(for: .everyTeam)
        openIncidents = open
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
        waitingDueAt = max(waitingDueAt, .now + waitingPace.pause(after: .now - began))
        defer { knownWaiting = latest }
        return knownWaiting.map { $0 != latest } ?? false
    }
}

/// How long nothing is asked of what waits, since that takes long where many names are nobody's.
struct WaitingPace: Sendable {
    /// It is asked for this part of the time.
    static let share = 50
    /// At the most.
    static let longest = Duration.seconds(10)

    private var last = Duration.zero

    /// One that took long alone says little: a new connection reads for the first time, or the machine was busy.
    ///
    /// `duration`: how long it took this time.
    mutating func pause(after duration: Duration) -> Duration {
        defer { last = duration }
        return min(min(duration, last) * Self.share, Self.longest)
    }
}

extension Caller {
    /// The feed itself, which sees everything; what it sees is cut for each subscriber.
    fileprivate static let everyTeam = Caller(keyID: UUID(), name: "feed", role: .view, sourceID: 0)
}
