/// What a specification says about an agent that is not so, field by field.
package struct AgentDifference: Sendable, Hashable {
    /// One value, before and after; `nil` where there is none.
    package struct Field: Sendable, Hashable {
        /// The column of the import's file; or `alias` and an alias that another agent gives up.
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
            let known = before?.aliases.map { AliasList.part(names[$0.source] ?? "", $0.externalID) }
            let said = aliases.map { AliasList.part($0.source, $0.externalID) }
            add("aliases", known.map(AliasList.cell), AliasList.cell(said))
            for alias in aliases {
                guard let source = map.sources[alias.source],
                    let owner = map.owners[.init(source: source, externalID: alias.externalID)],
                    owner.agentID != agentID
                else { continue }
                add("alias " + AliasList.part(alias.source, alias.externalID), owner.agentID, agentID)
            }
        }
    }

    private mutating func add(_ name: String, _ before: String?, _ after: String?) {
        guard let after, after != before ?? "" else { return }
        fields.append(Field(name: name, before: before, after: after))
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
