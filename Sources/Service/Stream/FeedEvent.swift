import Domain
import NIOCore

/// One thing that changed, as the feed keeps it for all its subscribers.
struct FeedEvent: Sendable {
    enum Content: Sendable {
        case agent(AgentNews)
        case summary(Summary)
        case incident(Incident)
        /// Other names are nobody's than before, or other parts of changes wait; it says no more, and nothing to who is bound to teams.
        case waiting
    }

    /// An agent before and after.
    struct AgentNews: Sendable {
        /// `nil` for an agent that was not known before.
        var before: AgentFacets?
        /// `nil` for an agent that is gone.
        var after: AgentFacets?
        /// What a search looks through, after.
        var searchText: String
        /// The agent's JSON object, rendered once for everybody.
        var json: ByteBuffer
    }

    /// Counts up from 1 within a run of a replica.
    var sequence: UInt64
    var content: Content

    /// Whether it tells how many stand how.
    var isCounts: Bool {
        if case .summary = content { true } else { false }
    }

    /// What it takes in memory, roughly, in bytes.
    var size: Int {
        switch content {
        case .agent(let news): news.json.readableBytes + news.searchText.utf8.count + 160
        case .summary(let summary): summary.groups.count * 64 + 64
        case .incident: 512
        case .waiting: 64
        }
    }
}

extension FeedEvent.AgentNews {
    /// What a subscriber with a filter is told.
    enum Telling: Sendable, Hashable {
        case agent
        case removed(String)
        case nothing
    }

    /// Who left a filter's view, or might have, is told as removed; who was never in it, not at all.
    func telling(to filter: AgentFilter) -> Telling {
        let search = filter.search?.lowercased()
        let isFound = search.map { searchText.contains($0) } ?? true
        if let after, filter.admits(after), isFound { return .agent }
        guard let before, filter.admits(before) else { return .nothing }
        // Of the words before only the digest is known: when they changed, the agent may have been in view.
        let wasFound = isFound || after?.identity != before.identity
        return wasFound ? .removed(before.agentID) : .nothing
    }
}
