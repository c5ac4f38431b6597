/// The rows of a CSV file of agents, checked.
///
/// Columns by the header, in any order: `agent_id,name,team,time_zone,engine,instance_id,session_name,aliases`; only
/// `agent_id` must be there. A column that is missing, and an empty `engine` with an empty `instance_id`, change nothing;
/// `aliases` is `source:external id`, several separated by `;`; a `;` in an external id is written twice. A cell without any
/// changes nothing.
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

    /// How many agents the file names.
    package private(set) var count = 0
    /// Nothing is imported as long as there are any; at most 100 are kept.
    package private(set) var faults: [Fault] = []
    private let bytes: [UInt8]
    private var lines = Lines()

    package static let columns = [
        "agent_id", "name", "team", "time_zone", "engine", "instance_id", "session_name", "aliases",
    ]
    static let faultLimit = 100

    /// Checks the whole file.
    ///
    /// Keeps its bytes and where each agent, instance and alias stands; the rows are read again when they are needed.
    package init(parsing bytes: some Collection<UInt8>) {
        self.bytes = Array(bytes)
        var rows = Rows(self.bytes)
        faults = rows.faults
        while let row = rows.next() {
            do throws(Fault) {
                let (line, spec) = try row.get()
                try lines.take(spec, line: line)
                count += 1
            } catch {
                if faults.count < Self.faultLimit { faults.append(error) }
            }
        }
        if let fault = rows.end { faults.append(fault) }
    }

    /// The rows in order, some at a time; of a file without faults.
    func chunks(of size: Int) -> Chunks { Chunks(rows: Rows(bytes), size: size) }

    /// Reads the rows some at a time.
    struct Chunks {
        fileprivate var rows: Rows
        fileprivate let size: Int

        mutating func next() -> [Row]? {
            var chunk: [Row] = []
            chunk.reserveCapacity(size)
            while chunk.count < size, let row = rows.next() {
                if case .success((let line, let spec)) = row { chunk.append(Row(line: line, spec: spec)) }
            }
            return chunk.isEmpty ? nil : chunk
        }
    }

    /// Reads one row after the other.
    fileprivate struct Rows {
        private var reader: CSVReader
        private var columns: [String] = []
        private var zones: Set<String> = ["UTC"]
        /// What is wrong with the header.
        let faults: [Fault]
        /// Why reading ended early.
        var end: Fault? { reader.fault }

        init(_ bytes: [UInt8]) {
            reader = CSVReader(bytes)
            guard let header = reader.next() else {
                faults = [Fault(line: 1, detail: "the file is empty")]
                return
            }
            let columns = header.fields.map { String(decoding: $0, as: UTF8.self) }
            faults = [AgentImportFile.check(columns)].compactMap { $0 }
            if faults.isEmpty { self.columns = columns }
        }

        mutating func next() -> Result<(line: Int, spec: AgentSpec), Fault>? {
            guard !columns.isEmpty, let record = reader.next() else { return nil }
            do throws(Fault) {
                return .success((record.line, try AgentImportFile.spec(record, columns: columns, zones: &zones)))
            } catch {
                return .failure(error)
            }
        }
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
        let parts = AliasList.parts(values["aliases"] ?? "")
        guard !parts.isEmpty else { return }
        var aliases: [AliasSpec] = []
        for part in parts {
            let halves = part.drop { $0 == " " }.split(separator: ":", maxSplits: 1)
            guard halves.count == 2, isSourceName(String(halves[0])) else {
                throw .invalid(
                    "aliases",
                    "Expected source:external id, several separated by a semicolon; one inside an id is written twice."
                )
            }
            try checkExternalID(String(halves[1]), field: "aliases")
            aliases.append(AliasSpec(source: String(halves[0]), externalID: String(halves[1])))
        }
        guard aliases.count <= Self.aliasLimit else {
            throw .invalid("aliases", "At most \(Self.aliasLimit) are allowed.")
        }
        self.aliases = aliases
    }
}
