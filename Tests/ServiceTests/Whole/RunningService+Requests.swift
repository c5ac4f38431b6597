import Domain
import Foundation
import LibPQ
import Testing

/// So many seconds from now, or before now, for people's clocks.
func timestamp(in seconds: Double) -> Timestamp {
    Timestamp(microseconds: Int64((Date().timeIntervalSince1970 + seconds) * 1_000_000))
}

/// The same as requests have it.
func rfc3339(in seconds: Double) -> String {
    timestamp(in: seconds).rfc3339
}

/// What senders and people ask of the service.
extension RunningService {
    /// Sends a request, as the administrator unless told otherwise; `nil` for no key.
    func send(
        _ method: String,
        _ path: String,
        key: String? = adminKey,
        json: String? = nil,
        headers: [String: String] = [:]
    ) async throws -> WireResponse {
        var headers = headers
        if let key { headers["Authorization"] = "Bearer \(key)" }
        if json != nil, headers["Content-Type"] == nil { headers["Content-Type"] = "application/json" }
        return try await exchange.send(method, path, headers: headers, body: json)
    }

    /// Maps agents to instances `i-<agent>`, and makes sessions for them that are stopped and paired.
    func add(_ agents: String..., team: String = "support", session: String? = "STOPPED") async throws {
        if let session { try await engine.put(agents.map { "i-\($0)" }, session) }
        for agent in agents {
            let answer = try await put(agent, team: team)
            #expect(answer.status == 201, "\(answer.text)")
        }
    }

    /// Maps an agent to the instance `i-<agent>`.
    @discardableResult
    func put(_ agent: String, team: String = "support") async throws -> WireResponse {
        try await send(
            "PUT",
            "/v1/agents/\(agent)",
            json:
                #"{"team":"\#(team)","instance":{"engine":"main","instance_id":"i-\#(agent)","session_name":"s-i-\#(agent)"}}"#
        )
    }

    /// Posts an event of one agent, and waits for the session to follow for up to so many seconds.
    @discardableResult
    func clock(_ action: String, _ agent: String, wait: Int? = nil, json: String? = nil) async throws -> WireResponse {
        try await send(
            "POST",
            "/v1/agents/\(agent)/\(action)",
            json: json,
            headers: wait.map { ["Prefer": "wait=\($0)"] } ?? [:]
        )
    }

    /// Posts what goes to `/v1/clock-events`.
    func post(_ json: String, key: String? = adminKey, type: String = "application/json") async throws -> WireResponse {
        try await send("POST", "/v1/clock-events", key: key, json: json, headers: ["Content-Type": type])
    }

    /// Posts as a sender does: the same again while it is told to come again (503).
    ///
    /// - Returns: the last answer.
    func deliver(_ json: String, within limit: Duration = .seconds(30)) async throws -> WireResponse {
        let deadline = ContinuousClock.now + limit
        var answer = try await post(json)
        while answer.status == 503, ContinuousClock.now < deadline {
            try await pause()
            answer = try await post(json)
        }
        return answer
    }

    func agent(_ agent: String) async throws -> AgentView {
        try await send("GET", "/v1/agents/\(agent)").decoded()
    }

    func explain(_ agent: String) async throws -> ExplanationView {
        try await send("GET", "/v1/agents/\(agent)/explain").decoded()
    }

    /// Looks at everything once and does what is due.
    @discardableResult
    func sweep() async throws -> SweepView {
        let answer = try await send("POST", "/v1/engines/main/sweep?wait=60")
        #expect(answer.status == 200, "\(answer.text)")
        return try answer.decoded()
    }

    /// Asks about an agent until the answer is as wanted.
    @discardableResult
    func until(
        _ agent: String,
        within limit: Duration = .seconds(30),
        _ isSo: (AgentView) -> Bool
    ) async throws -> AgentView {
        let deadline = ContinuousClock.now + limit
        while true {
            let view = try await self.agent(agent)
            if isSo(view) { return view }
            try #require(ContinuousClock.now < deadline, "it did not come to pass: \(view)")
            try await pause()
        }
    }

    /// Waits until something is so.
    func until(within limit: Duration = .seconds(30), _ isSo: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + limit
        while try await !isSo() {
            try #require(ContinuousClock.now < deadline, "it did not come to pass")
            try await pause()
        }
    }

    /// Lets the database keep the time, so that what is waited for has some.
    func pause(_ seconds: Double = 0.03) async throws {
        _ = try await owner.query("SELECT pg_sleep(\(seconds))")
    }

    /// One number from the database.
    func count(_ statement: PQStatement) async throws -> Int64 {
        let result = try await owner.query(statement)
        return try result[0].column("count", as: Int64.self)
    }
}
