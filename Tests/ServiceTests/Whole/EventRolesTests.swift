import Domain
import Service
import Testing

/// Who may do what on the routes that ``RolesMatrixTests`` does not serve: events and sweeps.
@Suite("Roles on the event and engine routes", .timeLimit(.minutes(2)))
struct EventRolesTests {
    /// A request, and the least role it needs.
    struct Row: Sendable {
        var path: String
        var needs: Role
        var body: String?
    }

    /// Every route that takes a key, for the agent `ana`.
    static let keyed = [
        Row(path: "/v1/clock-events", needs: .clock, body: #"{"agent_id":"ana","kind":"clock_out"}"#),
        Row(path: "/v1/agents/ana/clock-in", needs: .clock),
        Row(path: "/v1/agents/ana/break-start", needs: .clock),
        Row(path: "/v1/agents/ana/break-end", needs: .clock),
        Row(path: "/v1/agents/ana/clock-out", needs: .clock),
        Row(path: "/v1/engines/main/sweep", needs: .admin),
    ]

    /// Every route whose sender has a proof of its own, and what it answers to whoever has none.
    static let proved = [
        (method: "POST", path: "/v1/sources/vendor/events", status: 401),
        (method: "POST", path: "/v1/sources/vendor/events/token", status: 401),
        (method: "OPTIONS", path: "/v1/sources/vendor/events", status: 405),
        (method: "OPTIONS", path: "/v1/sources/vendor/events/token", status: 405),
        (method: "POST", path: "/v1/engines/main/events", status: 401),
    ]

    private static func setUp(_ setup: inout ServiceSetup) {
        setup.addVendor()
        setup.webhookSecret = "secret-of-the-webhooks"
        setup.sweep = ServiceSetup.noLooks
    }

    @Test
    func `no route is left out`() {
        for route in eventRoutes {
            let table = RouteTable([route])
            let isThere =
                Self.keyed.contains { table.methods(at: $0.path).contains(route.method) && route.method == "POST" }
                || Self.proved.contains {
                    table.methods(at: $0.path).contains(route.method) && $0.method == route.method
                }
            #expect(isThere, "\(route.method) \(route.path)")
        }
    }

    @Test
    func `each role may do what it may and nothing else`() async throws {
        try await withRunningService(Self.setUp) { service in
            try await service.add("ana")
            var taken: Int64 = 0
            for role in Role.allCases {
                let key = try await service.makeKey(role).key
                for row in Self.keyed {
                    let answer = try await service.send("POST", row.path, key: key, json: row.body)
                    if role.includes(row.needs) {
                        #expect((200..<300).contains(answer.status), "\(role) \(row.path) \(answer.text)")
                        if row.needs == .clock { taken += 1 }
                    } else {
                        #expect(answer.status == 403, "\(role) \(row.path)")
                        #expect(try answer.code() == "forbidden")
                    }
                }
            }
            #expect(try await service.ledgerCount() == taken)
        }
    }

    @Test
    func `without a live key there is no event and no sweep`() async throws {
        try await withRunningService(Self.setUp) { service in
            try await service.add("ana")
            try await service.until("ana") { $0.condition == "converged" }
            let revoked = try await service.makeKey(.admin)
            #expect(try await service.send("DELETE", "/v1/keys/\(revoked.id)").status == 204)
            let before = try await service.engine.calls().count
            for key in [nil, revoked.key, "rk_nonsense", ""] {
                for row in Self.keyed {
                    let answer = try await service.send("POST", row.path, key: key, json: row.body)
                    #expect(answer.status == 401, "\(row.path)")
                    #expect(try answer.code() == "unauthenticated")
                }
            }
            #expect(try await service.ledgerCount() == 0)
            #expect(try await service.engine.calls().count == before)
        }
    }

    @Test
    func `where a sender has a proof of its own no key is one`() async throws {
        try await withRunningService(Self.setUp) { service in
            for route in Self.proved {
                for key in [RunningService.adminKey, nil] {
                    let body = route.method == "POST" ? "{}" : nil
                    let answer = try await service.send(route.method, route.path, key: key, json: body)
                    #expect(answer.status == route.status, "\(route) \(answer.text)")
                }
            }
        }
    }

    @Test
    func `a key that is bound to teams sweeps nothing, also where it may do everything else`() async throws {
        try await withRunningService(Self.setUp) { service in
            try await service.add("ana")
            try await service.until("ana") { $0.condition == "converged" }
            let key = try await service.makeKey(.admin, teams: ["support"]).key
            #expect(try await service.send("GET", "/v1/agents/ana", key: key).status == 200)
            let before = try await service.engine.calls().count
            for account in ["main", "other"] {
                let answer = try await service.send("POST", "/v1/engines/\(account)/sweep", key: key)
                #expect(answer.status == 403, "\(answer.text)")
                #expect(try answer.code() == "forbidden")
            }
            #expect(try await service.engine.calls().count == before)
        }
    }
}

extension RunningService {
    /// Makes a key, and waits until it works.
    fileprivate func makeKey(_ role: Role, teams: [String] = []) async throws -> (id: String, key: String) {
        let bound = teams.isEmpty ? "" : #","teams":["\#(teams.joined(separator: #"",""#))"]"#
        let made = try await send("POST", "/v1/keys", json: #"{"name":"test","role":"\#(role.rawValue)"\#(bound)}"#)
        let record = try made.json()
        let key = try #require(record["key"] as? String, "\(made.text)")
        try await until { try await send("GET", "/v1/agents", key: key).status != 401 }
        return (try #require(record["id"] as? String), key)
    }
}
