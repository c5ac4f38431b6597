import Domain
import Foundation
import LibPQ
import Testing

/// A running service: the process, and how senders and people reach it.
struct Served: Sendable {
    let process: RollcallProcess
    let http: PlainHTTP
    let installation: Installation

    var engine: SimulatedEngine { installation.engine }

    /// Sends a request, as the administrator unless told otherwise; `nil` for no key.
    func send(
        _ method: String,
        _ path: String,
        key: String? = Installation.adminKey,
        json: String? = nil,
        headers: [String: String] = [:]
    ) async throws -> Answer {
        try await send(method, path, key: key, bytes: json.map { Array($0.utf8) }, headers: headers)
    }

    /// The same with a body that need not be text.
    func send(
        _ method: String,
        _ path: String,
        key: String? = Installation.adminKey,
        bytes: [UInt8]?,
        headers: [String: String] = [:]
    ) async throws -> Answer {
        var headers = headers
        if let key { headers["Authorization"] = "Bearer \(key)" }
        if bytes != nil, headers["Content-Type"] == nil { headers["Content-Type"] = "application/json" }
        return try await http.send(method, path, headers: headers, body: bytes)
    }

    /// Posts what goes to `/v1/clock-events`.
    func post(
        _ json: String,
        key: String? = Installation.adminKey,
        headers: [String: String] = [:]
    ) async throws -> Answer {
        try await send("POST", "/v1/clock-events", key: key, json: json, headers: headers)
    }

    /// Posts an event of one agent, and waits for the session to follow for up to so many seconds.
    @discardableResult
    func clock(_ action: String, _ agent: String, wait: Int? = nil, json: String? = nil) async throws -> Answer {
        try await send(
            "POST",
            "/v1/agents/\(agent)/\(action)",
            json: json,
            headers: wait.map { ["Prefer": "wait=\($0)"] } ?? [:]
        )
    }

    /// Maps an agent to the instance `i-<agent>`, or to none.
    func put(_ agent: String, team: String = "blue", hasInstance: Bool = true, aliases: String = "[]") async throws {
        let instance = hasInstance ? #"{"engine":"main","instance_id":"i-\#(agent)"}"# : "null"
        let answer = try await send(
            "PUT",
            "/v1/agents/\(agent)",
            json: #"{"team":"\#(team)","instance":\#(instance),"aliases":\#(aliases)}"#
        )
        try #require([200, 201].contains(answer.status), "\(answer.text)")
    }

    func agent(_ agent: String) async throws -> AgentView {
        try await send("GET", "/v1/agents/\(agent)").decoded()
    }

    /// Makes a key with the command line; `bounds` are its further arguments.
    func makeKey(role: String, _ bounds: String...) async throws -> KeyView {
        let process = try RollcallProcess(
            ["keys", "create", "--json", "--name", "test", "--role", role] + bounds,
            settings: installation.settings
        )
        defer { process.kill() }
        try #require(try await process.ending() == .exit(0), "\(process.output)")
        let line = try #require(process.output.split(separator: "\n").last { $0.hasPrefix("{") })
        let key: KeyView = try Answer(status: 0, headers: [:], body: Array(line.utf8)).decoded()
        try await until("the key works") { try await send("GET", "/v1/agents", key: key.key).status != 401 }
        return key
    }

    /// Asks about an agent until the answer is as wanted.
    @discardableResult
    func until(_ agent: String, _ isSo: (AgentView) -> Bool) async throws -> AgentView {
        var last: AgentView?
        do {
            try await until("\(agent)") {
                let view = try await self.agent(agent)
                last = view
                return isSo(view)
            }
        } catch {
            throw RollcallProcess.Failure(description: "\(error): \(last.map { "\($0)" } ?? "")")
        }
        return try #require(last)
    }

    /// Waits until something is so.
    func until(_ what: String, within limit: Duration = .seconds(60), _ isSo: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + limit
        while try await !isSo() {
            guard ContinuousClock.now < deadline else {
                throw RollcallProcess.Failure(description: "it did not come to pass: \(what)")
            }
            // The database keeps the time, so that what is waited for has some.
            // While it is away, the next look is all the sooner.
            _ = try? await installation.owner.query("SELECT pg_sleep(0.03)")
        }
    }
}

/// An agent as the API shows it.
struct AgentView: Decodable, Sendable, Equatable {
    var agentId: String
    var shift: String
    var shiftSince: String?
    var desired: String
    /// The engine's word; `nil` when nothing is known.
    var observed: String?
    var condition: String
}

/// A key as it is made.
struct KeyView: Decodable, Sendable {
    var id: String
    var key: String
}

/// The answer to a clock event.
struct ReceiptView: Decodable, Sendable, Equatable {
    struct Desired: Decodable, Sendable, Equatable {
        var state: String
        var generation: Int64
        var rule: String
    }

    var eventId: String
    var agentId: String?
    var kind: String
    var occurredAt: String
    var receivedAt: String
    var sequence: Int64
    var replayed: Bool
    var effect: String
    var desired: Desired?
    var warnings: [String]
}

/// What went wrong (RFC 9457); every member but the field is always there.
struct ProblemView: Decodable, Sendable {
    var type: String
    var title: String
    var status: Int
    var detail: String
    var code: String
    var hint: String
    var field: String?
}

/// One place of an answer to many events: a receipt, or a problem.
struct ItemView: Decodable, Sendable {
    var eventId: String?
    var agentId: String?
    var sequence: Int64?
    var effect: String?
    var replayed: Bool?
    var status: Int?
    var code: String?
    var field: String?
}

/// The answer to many events.
struct ItemsView: Decodable, Sendable {
    var results: [ItemView]
}

/// RFC 3339 for an instant so many seconds from now.
func instant(inSeconds seconds: Double) -> String {
    Timestamp(microseconds: Int64((Date().timeIntervalSince1970 + seconds) * 1_000_000)).rfc3339
}
