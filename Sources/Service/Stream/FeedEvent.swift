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

    /// Counts up from 1 within a run of a replica; 0 until the ring has it.
    var sequence: UInt64 = 0
    let content: Content
    /// What it is called to who filters nothing and is bound to no teams; `nil` where that one is told nothing.
    private let name: StaticString?
    /// What that one is told, rendered once for everybody.
    private let data: ByteBuffer

    init(_ content: Content) {
        self.content = content
        var data = ByteBuffer()
        switch content {
        case .agent(let news):
            switch news.telling(to: AgentFilter()) {
            case .agent:
                name = "agent"
                data = news.json
            case .removed(let agentID):
                name = "removed"
                EventText.writeRemoval(of: agentID, to: &data)
            case .nothing: name = nil
            }
        case .summary(let summary):
            name = "summary"
            summary.write(to: &data)
        case .incident(let incident):
            name = "incident"
            incident.write(to: &data)
        case .waiting:
            name = "waiting"
            data.writeStaticString("{}")
        }
        self.data = data
    }

    /// Whether it tells how many stand how.
    var isCounts: Bool {
        if case .summary = content { true } else { false }
    }

    /// What is sent of it to who filters nothing and is bound to no teams, roughly, in bytes.
    var length: Int { data.readableBytes + 96 }

    /// What it takes in memory, roughly, in bytes.
    var size: Int {
        let kept =
            switch content {
            case .agent(let news): news.searchText.utf8.count
            case .summary(let summary): summary.groups.count * 64
            case .incident: 512
            case .waiting: 0
            }
        return length + kept + 64
    }

    /// Writes it as it is told to who filters nothing and is bound to no teams.
    func write(_ text: EventText, to buffer: inout ByteBuffer) {
        guard let name else { return }
        text.write(name, sequence, to: &buffer) { $0.writeImmutableBuffer(data) }
    }
}

extension ArraySlice<FeedEvent> {
    /// Those that are told when they are taken at once: of several counts the latest alone.
    ///
    /// `counted`: the place up to which no counts are told, since newer ones were.
    func told(counted: UInt64 = 0) -> [FeedEvent] {
        let latest = last(where: \.isCounts)?.sequence
        return filter { !$0.isCounts || ($0.sequence == latest && $0.sequence > counted) }
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
