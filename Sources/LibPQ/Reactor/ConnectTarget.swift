import CLibPQ

/// Where to connect, host by host, in the order to try them.
///
/// libpq gives each host of a list its own time only when it blocks; in the non-blocking calls a host that swallows
/// packets would use up all of it. So the list is split here, and libpq is given one host at a time. Each attempt also
/// applies `target_session_attrs`, which for a single host means "or fail".
struct ConnectTarget: Sendable {
    /// libpq keywords and values of one attempt.
    typealias Parameters = [String: String]

    let attempts: [Parameters]
    let timeout: Duration
    let statementCacheLimit: Int
    private let password: String?

    /// Reads a connection string.
    ///
    /// - Throws: `invalidInput`; its words are ours, because libpq's may quote a piece of the password.
    init(_ configuration: PQConfiguration) throws(PQError) {
        let given = try Self.parse(configuration.connectionString)
        var shared = given
        Self.apply(configuration, to: &shared)
        self.attempts = Self.split(shared)
        self.timeout = configuration.connectTimeout
        self.statementCacheLimit = max(1, configuration.statementCacheLimit)
        self.password = given["password"]
    }

    /// Takes the password out of libpq's words, should it ever be in them.
    func redact(_ message: String) -> String {
        guard let password, !password.isEmpty else { return message }
        return message.split(separator: password, omittingEmptySubsequences: false).joined(separator: "***")
    }

    private static func parse(_ connectionString: String) throws(PQError) -> Parameters {
        guard !connectionString.utf8.contains(0) else { throw PQError(.invalidInput, "connection string") }
        var message: UnsafeMutablePointer<CChar>?
        let parsed = unsafe PQconninfoParse(connectionString, &message)
        unsafe PQfreemem(message)
        guard let options = unsafe parsed else {
            throw PQError(.invalidInput, "the connection string cannot be read")
        }
        defer { unsafe PQconninfoFree(options) }
        var parameters: Parameters = [:]
        var option = unsafe options
        while let keyword = unsafe option.pointee.keyword {
            if let value = unsafe option.pointee.val {
                unsafe parameters[String(cString: keyword)] = String(cString: value)
            }
            unsafe option += 1
        }
        return parameters
    }

    /// Adds what the configuration says; it wins over the connection string, except for `options`, which are joined.
    private static func apply(_ configuration: PQConfiguration, to parameters: inout Parameters) {
        var settings = configuration.sessionSettings
        if let limit = configuration.statementTimeout { settings["statement_timeout"] = "\(limit.wholeMilliseconds)" }
        if let limit = configuration.idleInTransactionTimeout {
            settings["idle_in_transaction_session_timeout"] = "\(limit.wholeMilliseconds)"
        }
        let options = settings.sorted { $0.key < $1.key }.map { "-c \($0.key)=\(escaped($0.value))" }
        let all = [parameters["options"]].compactMap(\.self) + options
        if !all.isEmpty { parameters["options"] = all.joined(separator: " ") }
        if let name = configuration.applicationName { parameters["application_name"] = name }
        parameters["client_encoding"] = "UTF8"
        parameters["keepalives"] = "1"
        parameters["keepalives_idle"] = "\(configuration.keepaliveIdle.wholeSeconds)"
        parameters["keepalives_interval"] = "\(configuration.keepaliveInterval.wholeSeconds)"
        parameters["keepalives_count"] = "\(configuration.keepaliveCount)"
        parameters["tcp_user_timeout"] = "\(configuration.tcpUserTimeout.wholeMilliseconds)"
    }

    /// Protects spaces and backslashes in a value.
    ///
    /// Source: `pg_split_opts` in PostgreSQL's `postinit.c`.
    private static func escaped(_ value: String) -> String {
        value.reduce(into: "") { text, character in
            if character == "\\" || character.isWhitespace { text.append("\\") }
            text.append(character)
        }
    }

    private static func split(_ parameters: Parameters) -> [Parameters] {
        let hosts = list(parameters["host"])
        let addresses = list(parameters["hostaddr"])
        let ports = list(parameters["port"])
        let count = max(hosts.count, addresses.count)
        let isConsistent = [hosts, addresses].allSatisfy { $0.isEmpty || $0.count == count }
        guard count > 1, isConsistent, ports.count <= 1 || ports.count == count else { return [parameters] }
        let each = (0..<count).map { index in
            var one = parameters
            one["host"] = hosts.isEmpty ? nil : hosts[index]
            one["hostaddr"] = addresses.isEmpty ? nil : addresses[index]
            one["port"] = ports.count > 1 ? ports[index] : ports.first
            return one
        }
        guard parameters["target_session_attrs"] == "prefer-standby" else { return each }
        return ["standby", "any"].flatMap { wanted in
            each.map { $0.merging(["target_session_attrs": wanted]) { $1 } }
        }
    }

    private static func list(_ value: String?) -> [String] {
        value.map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) } ?? []
    }
}
