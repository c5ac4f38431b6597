/// What a specification says about an agent that is not so, field by field.
package struct AgentDifference: Sendable, Hashable {
    /// One value, before and after; `nil` where there is none.
    package struct Field: Sendable, Hashable {
        /// The column of the import's file.
        package var name: String
        package var before: String?
        package var after: String?
    }

    package var agentID: String
    package var isNew: Bool
    package var fields: [Field] = []

    /// Compares; of an agent that is new, everything that is said is different.
    init(_ spec: AgentSpec, map: AgentMap) {
        let before = map.agents[spec.agentID]
        agentID = spec.agentID
        isNew = before == nil
        add("name", before?.name, spec.name)
        add("team", before?.team, spec.team)
        add("time_zone", before?.timeZone, spec.timeZone)
        switch spec.instance {
        case .keep: break
        case .remove: add("instance", before?.instance.map { Self.text($0, map) }, "")
        case .set(let instance): add("instance", before?.instance.map { Self.text($0, map) }, Self.text(instance))
        }
        if let aliases = spec.aliases {
            let names = Dictionary(map.sources.map { ($0.value, $0.key) }) { first, _ in first }
            let known = before?.aliases.map { "\(names[$0.source] ?? ""):\($0.externalID)" }
            add("aliases", known.map(Self.joined), Self.joined(aliases.map { "\($0.source):\($0.externalID)" }))
        }
    }

    private mutating func add(_ name: String, _ before: String?, _ after: String?) {
        guard let after, after != before ?? "" else { return }
        fields.append(Field(name: name, before: before, after: after))
    }

    private static func joined(_ aliases: [String]) -> String {
        aliases.sorted().joined(separator: ";")
    }

    private static func text(_ instance: AgentMap.Instance, _ map: AgentMap) -> String {
        let engine = map.accounts.first { $0.value == instance.account }?.key ?? ""
        return text(
            InstanceSpec(engine: engine, instanceID: instance.instanceID, sessionName: instance.sessionName)
        )
    }

    private static func text(_ instance: InstanceSpec) -> String {
        ([instance.engine, instance.instanceID] + [instance.sessionName].compactMap { $0 }).joined(separator: "/")
    }
}
