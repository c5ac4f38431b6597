import Domain
import NIOCore

/// What the feed last told of each agent, so that only what changed is told again.
///
/// It exists only while somebody listens.
struct FeedMemory: Sendable {
    private struct Entry {
        var facets: AgentFacets
        /// Digest of the agent's JSON object.
        var digest: Int
        /// The round in which the agent was last met.
        var round: UInt32
    }

    /// How agents of one group stand alike.
    private struct Kind: Hashable {
        var team: String
        var shift: Shift
        var desired: RunState
        var condition: Condition
    }

    /// Agents that are remembered: some 30 MB.
    ///
    /// Of a larger fleet the rest is told of whenever something touches it here.
    let limit: Int

    private var entries: [Int64: Entry] = [:]
    private var counts: [Kind: Int] = [:]
    /// Whether there are agents that are not remembered, and whether this round met one.
    private var isPartial = false
    private var hasMetOthers = false
    private var round: UInt32 = 0
    private var buffer = ByteBuffer()
    /// Whether a first round has been gone through: from then on nothing passes unseen.
    private(set) var isComplete = false

    init(limit: Int = 200_000) {
        self.limit = limit
    }

    var count: Int { entries.count }

    /// How many agents stand how, by team, shift, desire and condition in order; `nil` while not all of them are remembered.
    var groups: [Summary.Group]? {
        guard isComplete, !isPartial else { return nil }
        return counts.map { kind, count in
            Summary.Group(
                team: kind.team,
                shift: kind.shift,
                desired: kind.desired,
                condition: kind.condition,
                count: count
            )
        }.sorted {
            ($0.team, $0.shift.rawValue, $0.desired.code, $0.condition.rawValue)
                < ($1.team, $1.shift.rawValue, $1.desired.code, $1.condition.rawValue)
        }
    }

    /// Takes in agents as they are now.
    ///
    /// - Parameters:
    ///   - agents: with what they mean now.
    ///   - isTouched: whether somebody said that they changed, rather than that it was their turn.
    /// - Returns: what is news, once the memory is complete.
    mutating func take(_ agents: [(AgentDetails, AgentStanding)], isTouched: Bool) -> [FeedEvent.AgentNews] {
        var news: [FeedEvent.AgentNews] = []
        for (agent, standing) in agents {
            buffer.clear()
            agent.write(standing, to: &buffer)
            let digest = buffer.hashValue
            let known = entries[agent.agent]
            guard known?.digest != digest else {
                entries[agent.agent]?.round = round
                continue
            }
            let facets = AgentFacets(agent, standing)
            if known != nil || entries.count < limit {
                entries[agent.agent] = Entry(facets: facets, digest: digest, round: round)
                if let known { count(known.facets, -1) }
                count(facets, 1)
            } else {
                isPartial = true
                hasMetOthers = true
                if !isTouched { continue }
            }
            guard isComplete else { continue }
            var json = ByteBufferAllocator().buffer(capacity: buffer.readableBytes)
            json.writeImmutableBuffer(buffer)
            news.append(
                FeedEvent.AgentNews(before: known?.facets, after: facets, searchText: agent.searchText, json: json)
            )
        }
        return news
    }

    /// Takes in that agents somebody touched are not there any more.
    mutating func lose(_ agents: some Sequence<Int64>) -> [FeedEvent.AgentNews] {
        let lost = agents.compactMap { entries.removeValue(forKey: $0)?.facets }
        for facets in lost { count(facets, -1) }
        return isComplete ? lost.map(Self.removal) : []
    }

    /// Ends a round through all agents: who was not met in it is gone.
    mutating func endRound() -> [FeedEvent.AgentNews] {
        let lost = entries.filter { $0.value.round != round }
        for (agent, entry) in lost {
            entries[agent] = nil
            count(entry.facets, -1)
        }
        round &+= 1
        isPartial = hasMetOthers
        hasMetOthers = false
        defer { isComplete = true }
        return isComplete ? lost.values.map { Self.removal($0.facets) } : []
    }

    private mutating func count(_ facets: AgentFacets, _ change: Int) {
        let kind = Kind(
            team: facets.team,
            shift: facets.shift,
            desired: facets.desired,
            condition: facets.condition
        )
        let count = counts[kind, default: 0] + change
        counts[kind] = count == 0 ? nil : count
    }

    private static func removal(_ facets: AgentFacets) -> FeedEvent.AgentNews {
        FeedEvent.AgentNews(before: facets, after: nil, searchText: "", json: ByteBuffer())
    }
}
