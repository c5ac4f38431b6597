import Testing

@testable import Service

@Suite("AgentMapChange")
struct AgentMapChangeTests {
    /// A map in which a1 has i1, b1 has i2, c1 has i3, and somebody outside has `out`.
    private var map: AgentMap {
        var map = AgentMap(accounts: ["main": 1])
        for (number, (agent, session)) in [("a1", "i1"), ("b1", "i2"), ("c1", "i3")].enumerated() {
            map.agents[agent] = AgentMap.Agent(
                agent: Int64(number),
                name: "",
                team: "",
                timeZone: "UTC",
                isLeaving: false,
                instance: AgentMap.Instance(instance: Int64(number), account: 1, instanceID: session),
                aliases: []
            )
            map.occupants[AgentMap.Session(account: 1, instanceID: session)] = agent
        }
        map.occupants[AgentMap.Session(account: 1, instanceID: "out")] = "outside"
        return map
    }

    private func change(_ wishes: [(String, String?)], mayMove: (String) -> Bool = { _ in false }) -> AgentMapChange {
        let specs = wishes.map { agent, session in
            AgentSpec(
                agentID: agent,
                instance: session.map { .set(InstanceSpec(engine: "main", instanceID: $0)) } ?? .remove
            )
        }
        return AgentMapChange(specs, map: map, caller: nil, mayMove: mayMove)
    }

    /// What came of each agent, in order.
    private func words(_ change: AgentMapChange) -> [String] {
        change.outcomes.map { outcome in
            switch outcome {
            case .added: "added"
            case .changed: "changed"
            case .unchanged: "unchanged"
            case .refused(let problem): problem.code.rawValue
            }
        }
    }

    @Test(
        arguments: [
            [("a1", "i2"), ("b1", "i4")], [("b1", "i4"), ("a1", "i2")], [("a1", "i2"), ("b1", "i1")],
            [("a1", "i2"), ("b1", "i3"), ("c1", "i1")], [("a1", "i2"), ("b1", nil)],
            [("c1", "i1"), ("a1", "i2"), ("b1", "i4")],
        ] as [[(String, String?)]]
    )
    func `a session moves between agents of one list, whoever stands first`(wishes: [(String, String?)]) {
        let change = change(wishes)
        #expect(words(change) == wishes.map { _ in "changed" })
        // All of them leave one, so that nobody ever has two.
        #expect(change.retired.count == wishes.count)
        #expect(change.assigned.map(\.agentID) == wishes.filter { $0.1 != nil }.map { $0.0 })
        #expect(change.assigned.map(\.instanceID) == wishes.compactMap { $0.1 })
    }

    @Test
    func `whoever keeps a session keeps all those from moving who were to follow`() {
        let refused = Array(repeating: "instance_taken", count: 3)
        #expect(words(change([("c1", "i1"), ("a1", "i2"), ("b1", "out")])) == refused)
        let other = change([("a1", "i2"), ("b1", "out"), ("c1", "i5")])
        #expect(words(other) == ["instance_taken", "instance_taken", "changed"])
        #expect(other.retired.map(\.instance) == [2] && other.assigned.map(\.agentID) == ["c1"])
    }

    @Test
    func `who is not said to leave a session keeps it`() {
        #expect(words(change([("a1", "i2")])) == ["instance_taken"])
        #expect(words(change([("a1", "i2"), ("b1", "i2")])) == ["instance_taken", "unchanged"])
        let moved = change([("a1", "i2")]) { $0 == "b1" }
        #expect(words(moved) == ["changed"])
        let specs = [
            AgentSpec(agentID: "a1", instance: .set(InstanceSpec(engine: "main", instanceID: "i2"))),
            AgentSpec(agentID: "b1", name: "Bo"),
        ]
        #expect(words(AgentMapChange(specs, map: map, caller: nil)) == ["instance_taken", "changed"])
    }
}
