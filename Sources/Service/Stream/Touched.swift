/// What commits touched since the feed last looked.
///
/// Collapses; beyond a bound it forgets, and wants a round through all agents, which finds what was forgotten.
struct Touched: Sendable {
    private(set) var agents: Set<Int64> = []
    private(set) var instances: Set<Int64> = []

    static let limit = 5000

    /// Whether so much was touched that a round through all agents is to begin now.
    private(set) var wantsRound = false

    /// Whether nobody is named.
    var isEmpty: Bool { agents.isEmpty && instances.isEmpty }

    mutating func add(_ news: ChangeNews) {
        switch news {
        case .some(let agents, let instances):
            add(agents: agents)
            add(instances: instances)
        case .everything: wantsRound = true
        }
    }

    /// Puts back what was taken and not read.
    mutating func add(_ other: Touched) {
        wantsRound = wantsRound || other.wantsRound
        add(agents: other.agents)
        add(instances: other.instances)
    }

    mutating func add(agents added: some Sequence<Int64>) {
        for agent in added where !agents.contains(agent) {
            if agents.count < Self.limit { agents.insert(agent) } else { wantsRound = true }
        }
    }

    mutating func add(instances added: some Sequence<Int64>) {
        for instance in added where !instances.contains(instance) {
            if instances.count < Self.limit { instances.insert(instance) } else { wantsRound = true }
        }
    }

    /// Takes out as many as one query reads.
    mutating func take(_ count: Int) -> Touched {
        var taken = Touched()
        swap(&taken.wantsRound, &wantsRound)
        while taken.agents.count < count, let agent = agents.popFirst() { taken.agents.insert(agent) }
        while taken.instances.count < count, let instance = instances.popFirst() { taken.instances.insert(instance) }
        return taken
    }
}
