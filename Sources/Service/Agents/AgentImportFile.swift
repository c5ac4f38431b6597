/// The rows of a CSV file of agents, checked.
///
/// Columns by the header, in any order: `agent_id,name,team,time_zone,engine,instance_id,session_name,aliases`; only
/// `agent_id` must be there. A column that is missing, and an empty `engine` with an empty `instance_id`, change nothing;
/// `aliases` is `source:external id`, several separated by `;`.
package struct AgentImportFile: Sendable {
    /// What is wrong with one line.
    package struct Fault: Error, Sendable, Hashable, CustomStringConvertible {
        /// From 1; the header is line 1.
        package var line: Int
        package var column: String?
        package var detail: String

        package var description: String { "line \(line)" + (column.map { ", \($0)" } ?? "") + ": \(detail)" }
    }

    struct Row: Sendable, Equatable {
        var line: Int
        var spec: AgentSpec
    }

    private(set) var rows: [Row] = []
    /// Nothing is imported as long as there are any; at most 100 are kept.
    package private(set) var faults: [Fault] = []

    package static let columns = [
        "agent_id", "name", "team", "time_zone", "engine", "instance_id", "session_name", "aliases",
    ]
    private static let faultLimit = 100

    /// How many agents the file names.
    package var count: Int { rows.count }

    package init(parsing bytes: some Collection<UInt8>) {
        var reader = CSVReader(bytes)
        guard let header = reader.next() else {
            faults = [Fault(line: 1, detail: "the file is empty")]
            return
        }
        let columns = header.fields.map { String(decoding: $0, as: UTF8.self) }
        if let fault = Self.check(columns) {
            faults = [fault]
            return
        }
        var lines = Lines()
        var zones: Set<String> = ["UTC"]
        while let record = reader.next() {
            do throws(Fault) {
                let spec = try Self.spec(record, columns: columns, zones: &zones)
                try lines.take(spec, line: record.line)
                rows.append(Row(line: record.line, spec: spec))
            } catch {
                if faults.count < Self.faultLimit { faults.append(error) }
            }
        }
        if let fault = reader.fault { faults.append(fault) }
    }

    private static func check(_ columns: [String]) -> Fault? {
        if let unknown = columns.first(where: { !Self.columns.contains($0) }) {
            return Fault(
                line: 1,
                column: unknown,
                detail: "unknown column; known are \(Self.columns.joined(separator: ", "))"
            )
        }
        if Set(columns).count < columns.count { return Fault(line: 1, detail: "a column stands twice") }
        guard columns.contains("agent_id") else {
            return Fault(line: 1, column: "agent_id", detail: "the column is missing")
        }
        return nil
    }

    private static func spec(
        _ record: CSVReader.Record,
        columns: [String],
        zones: inout Set<String>
    ) throws(Fault) -> AgentSpec {
        guard record.fields.count == columns.count else {
            throw Fault(
                line: record.line,
                detail: "has \(record.fields.count) fields where the header has \(columns.count)"
            )
        }
        var values: [String: String] = [:]
        for (column, field) in zip(columns, record.fields) {
            guard let text = String(validating: field, as: UTF8.self) else {
                throw Fault(line: record.line, column: column, detail: "is not UTF-8")
            }
            values[column] = text
        }
        do throws(Problem) {
            return try AgentSpec(importing: values, zones: &zones)
        } catch {
            throw Fault(line: record.line, column: error.field, detail: error.detail)
        }
    }

    /// What must stand once in a file.
    private struct Lines {
        private var agents: [String: Int] = [:]
        private var instances: [InstanceSpec: Int] = [:]
        private var aliases: [AliasSpec: Int] = [:]

        mutating func take(_ spec: AgentSpec, line: Int) throws(Fault) {
            if let other = agents.updateValue(line, forKey: spec.agentID) {
                throw Fault(line: line, column: "agent_id", detail: "the same agent as in line \(other)")
            }
            if case .set(var instance) = spec.instance {
                instance.sessionName = nil
                if let other = instances.updateValue(line, forKey: instance) {
                    throw Fault(line: line, column: "instance_id", detail: "the same instance as in line \(other)")
                }
            }
            for alias in spec.aliases ?? [] {
                if let other = aliases.updateValue(line, forKey: alias) {
                    throw Fault(line: line, column: "aliases", detail: "an alias that also stands in line \(other)")
                }
            }
        }
    }
}

extension AgentSpec {
    /// Reads one line of a file, by column.
    fileprivate init(importing values: [String: String], zones: inout Set<String>) throws(Problem) {
        guard let agentID = values["agent_id"], isAgentID(agentID) else { throw .invalidAgentID("agent_id") }
        self.init(agentID: agentID, name: values["name"], team: values["team"])
        for column in ["name", "team", "session_name"] {
            if let value = values[column] { try checkText(value, field: column) }
        }
        if let zone = values["time_zone"], !zone.isEmpty {
            if !zones.contains(zone) {
                try checkTimeZone(zone, field: "time_zone")
                zones.insert(zone)
            }
            timeZone = zone
        }
        let engine = values["engine"] ?? ""
        let instanceID = values["instance_id"] ?? ""
        if !engine.isEmpty || !instanceID.isEmpty {
            try checkText(engine, field: "engine", isRequired: true, limit: 64)
            try checkText(instanceID, field: "instance_id", isRequired: true, limit: 128)
            let sessionName = values["session_name"].flatMap { $0.isEmpty ? nil : $0 }
            instance = .set(InstanceSpec(engine: engine, instanceID: instanceID, sessionName: sessionName))
        }
        guard let aliasText = values["aliases"], !aliasText.isEmpty else { return }
        var aliases: [AliasSpec] = []
        for part in aliasText.split(separator: ";") {
            let halves = part.split(separator: ":", maxSplits: 1)
            guard halves.count == 2, isSourceName(String(halves[0])) else {
                throw .invalid("aliases", "Expected source:external id, several separated by a semicolon.")
            }
            try checkText(String(halves[1]), field: "aliases", isRequired: true)
            aliases.append(AliasSpec(source: String(halves[0]), externalID: String(halves[1])))
        }
        guard aliases.count <= Self.aliasLimit else {
            throw .invalid("aliases", "At most \(Self.aliasLimit) are allowed.")
        }
        self.aliases = aliases
    }
}
