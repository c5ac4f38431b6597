import FoundationEssentials

/// What an administrator says about one agent.
///
/// What is `nil` in it stays as it is.
package struct AgentSpec: Sendable, Hashable {
    package var agentID: String
    package var name: String?
    package var team: String?
    package var timeZone: String?
    package var instance: InstanceChange
    package var aliases: [AliasSpec]?

    package init(
        agentID: String,
        name: String? = nil,
        team: String? = nil,
        timeZone: String? = nil,
        instance: InstanceChange = .keep,
        aliases: [AliasSpec]? = nil
    ) {
        self.agentID = agentID
        self.name = name
        self.team = team
        self.timeZone = timeZone
        self.instance = instance
        self.aliases = aliases
    }

    /// The same without anything said about the session.
    var keepingSession: AgentSpec {
        var spec = self
        spec.instance = .keep
        return spec
    }
}

/// What is said about an agent's instance.
///
/// Saying nothing is not saying that there is none.
package enum InstanceChange: Sendable, Hashable {
    case keep
    /// The agent gets none; the one it had is stopped.
    case remove
    case set(InstanceSpec)

    /// The session that is said, `.some(nil)` for none; `nil` when nothing is said.
    var session: InstanceSpec?? {
        switch self {
        case .keep: nil
        case .remove: .some(nil)
        case .set(let instance): .some(instance)
        }
    }
}

/// One session of an engine.
package struct InstanceSpec: Sendable, Hashable {
    /// Name of the engine account.
    package var engine: String
    package var instanceID: String
    package var sessionName: String?

    package init(engine: String, instanceID: String, sessionName: String? = nil) {
        self.engine = engine
        self.instanceID = instanceID
        self.sessionName = sessionName
    }
}

/// What a clock source calls an agent.
package struct AliasSpec: Sendable, Hashable {
    package var source: String
    package var externalID: String

    package init(source: String, externalID: String) {
        self.source = source
        self.externalID = externalID
    }
}

extension AgentSpec {
    /// How many aliases an agent may have.
    static let aliasLimit = 100

    /// Reads the body of a PUT.
    ///
    /// - Throws: `invalid_field`.
    init(agentID: String, _ fields: JSONFields) throws(Problem) {
        self.init(
            agentID: agentID,
            name: try fields.freeText("name"),
            team: try fields.freeText("team"),
            timeZone: try fields.freeText("time_zone")
        )
        if let timeZone { try checkTimeZone(timeZone, field: "time_zone") }
        if let value = fields.value("instance") {
            let instance = try JSONFields(value, at: "instance")
            self.instance = .set(
                InstanceSpec(
                    engine: try instance.requiredText("engine", limit: 64),
                    instanceID: try instance.requiredText("instance_id", limit: 128),
                    sessionName: try instance.freeText("session_name").flatMap { $0.isEmpty ? nil : $0 }
                )
            )
        } else if fields.has("instance") {
            instance = .remove
        }
        guard let elements = try fields.array("aliases", limit: Self.aliasLimit) else { return }
        var aliases: [AliasSpec] = []
        for (place, element) in elements.enumerated() {
            let alias = try JSONFields(element, at: "aliases[\(place)]")
            let source = try alias.requiredText("source", limit: 64)
            let externalID = try alias.requiredText("external_id")
            try checkExternalID(externalID, field: "aliases[\(place)].external_id")
            aliases.append(AliasSpec(source: source, externalID: externalID))
        }
        self.aliases = aliases
    }
}

/// Checks the name of a time zone against the system's database, where there is one.
///
/// - Throws: `invalid_field`.
func checkTimeZone(_ name: String, field: String) throws(Problem) {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    let isPlain = parts.allSatisfy { part in
        !part.isEmpty && part.first != "." && part.utf8.allSatisfy(isTimeZoneByte)
    }
    let database = "/usr/share/zoneinfo"
    var isFolder = false
    guard isPlain, name.utf8.count <= 64,
        !FileManager.default.fileExists(atPath: database)
            || (FileManager.default.fileExists(atPath: "\(database)/\(name)", isDirectory: &isFolder) && !isFolder)
    else { throw .invalid(field, "Expected the name of a time zone, such as Europe/Madrid or UTC.") }
}

private func isTimeZoneByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "+"), UInt8(ascii: "-"):
        true
    default:
        false
    }
}
