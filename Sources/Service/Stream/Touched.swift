import OrderedCollections

/// What commits touched since the feed last looked.
///
/// Collapses; beyond a bound it forgets, and wants a round through all agents, which finds what was forgotten.
struct Touched: Sendable {
    private var waitingAgents: OrderedSet<Int64> = []
    private var waitingInstances: OrderedSet<Int64> = []

    static let limit = 5000

    /// Whether so much was touched, or may have been without a word of it, that a round through all agents is to begin now.
    private(set) var wantsRound = false

    /// Each once, in the order in which they were touched first.
    var agents: [Int64] { waitingAgents.elements }
    /// The same of instances.
    var instances: [Int64] { waitingInstances.elements }

    /// Whether nobody is named.
    var isEmpty: Bool { waitingAgents.isEmpty && waitingInstances.isEmpty }

    mutating func add(_ news: ChangeNews) {
        switch news {
        case .some(let agents, let instances):
            add(agents: agents)
            add(instances: instances)
        case .everything: wantsRound = true
        }
    }

    /// Puts back what was taken and not read, before all that was touched since.
    mutating func putBack(_ taken: Touched) {
        let since = self
        self = taken
        wantsRound = taken.wantsRound || since.wantsRound
        add(agents: since.agents)
        add(instances: since.instances)
    }

    mutating func add(agents added: some Sequence<Int64>) {
        if !Self.add(added, to: &waitingAgents) { wantsRound = true }
    }

    mutating func add(instances added: some Sequence<Int64>) {
        if !Self.add(added, to: &waitingInstances) { wantsRound = true }
    }

    /// Takes out as many as one query reads, those first that have waited longest.
    mutating func take(_ count: Int) -> Touched {
        var taken = Touched()
        swap(&taken.wantsRound, &wantsRound)
        taken.waitingAgents = Self.takeFirst(count, of: &waitingAgents)
        taken.waitingInstances = Self.takeFirst(count, of: &waitingInstances)
        return taken
    }

    /// - Returns: whether there was room for all.
    private static func add(_ added: some Sequence<Int64>, to waiting: inout OrderedSet<Int64>) -> Bool {
        var hasRoom = true
        for one in added where !waiting.contains(one) {
            if waiting.count < limit { waiting.append(one) } else { hasRoom = false }
        }
        return hasRoom
    }

    private static func takeFirst(_ count: Int, of waiting: inout OrderedSet<Int64>) -> OrderedSet<Int64> {
        let first = OrderedSet(waiting.elements.prefix(count))
        waiting.removeFirst(first.count)
        return first
    }
}
