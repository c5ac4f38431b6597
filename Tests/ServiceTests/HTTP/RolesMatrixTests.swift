import Domain
import LibPQ
import Service
import Testing

@Suite("Roles")
struct RolesMatrixTests {
    /// A request, the least role it needs, and what it comes to then: success, or the refusal of what is not there to be done.
    struct Row: Sendable {
        var method: String
        var path: String
        var needs: Role
        var body: String?
        var statuses: Range<Int>

        init(_ method: String, _ path: String, _ needs: Role, body: String? = nil, status: Int? = nil) {
            self.method = method
            self.path = path
            self.needs = needs
            self.body = body
            statuses = status.map { $0..<($0 + 1) } ?? 200..<300
        }
    }

    /// Every route, for the agent `a1`, who is off shift and has an instance.
    static let routes: [Row] = [
        Row("GET", "/v1/agents", .view),
        Row("GET", "/v1/agents/a1", .view),
        Row("GET", "/v1/agents/a1/explain", .view),
        Row("GET", "/v1/agents/a1/timeline", .view),
        Row("GET", "/v1/summary", .view),
        Row("GET", "/v1/stats", .view),
        Row("GET", "/v1/incidents", .view),
        Row("GET", "/v1/engines", .view),
        Row("GET", "/v1/unmatched", .view),
        Row("GET", "/v1/unmatched?group=name", .view),
        Row("GET", "/v1/sources/hr/aliases", .view),
        Row("PUT", "/v1/sources/hr/aliases/77?dry_run=true", .admin, body: #"{"agent_id":"a1"}"#),
        Row("PUT", "/v1/sources/hr/aliases/77", .admin, body: #"{"agent_id":"a1"}"#),
        Row("DELETE", "/v1/sources/hr/aliases/77", .admin),
        Row("GET", "/v1/guard", .view),
        Row("GET", "/v1/guard/1", .view, status: 404),
        Row("POST", "/v1/guard/1/approve", .manage, status: 404),
        Row("POST", "/v1/guard/1/refuse", .manage, status: 404),
        Row("GET", "/v1/alerts", .view),
        Row("GET", "/v1/sources", .view),
        Row("GET", "/v1/sources/hr", .view),
        Row("GET", "/v1/sources/hr/deliveries", .view),
        Row("POST", "/v1/sources/hr/verify", .manage, status: 404),
        Row("DELETE", "/v1/agents/a1/hold", .manage),
        Row("POST", "/v1/agents/a1/reconcile", .manage),
        Row("POST", "/v1/agents/a1/reboot", .manage, status: 409),
        Row("POST", "/v1/agents/a1/pairing", .manage, body: #"{"as":"qr"}"#, status: 409),
        Row("PUT", "/v1/agents/a1/hold", .manage, body: #"{"state":"running","until":"UNTIL","reason":"test"}"#),
        Row("POST", "/v1/actions", .manage, body: #"{"action":"release","agents":["a1"]}"#),
        Row("PUT", "/v1/agents/a1", .admin, body: "{}"),
        Row("GET", "/v1/keys", .admin),
        Row("POST", "/v1/keys", .admin, body: #"{"name":"new","role":"view"}"#),
        Row("DELETE", "/v1/keys/00000000-0000-4000-8000-000000000000", .admin, status: 404),
        Row("DELETE", "/v1/sources/hr/people/nobody", .admin),
        Row("DELETE", "/v1/agents/a1?stop=true", .admin),
    ]

    @Test
    func `no route is left out`() {
        for route in managementRoutes where route.path.hasPrefix("/v1/") {
            let table = RouteTable([route])
            let isThere = Self.routes.contains { row in
                table.methods(at: String(row.path.prefix { $0 != "?" })).contains(row.method)
            }
            #expect(isThere, "\(route.method) \(route.path)")
        }
    }

    @Test
    func `each role may do what it may and nothing else`() async throws {
        try await withManagement { fixture in
            try await fixture.addAgent("a1")
            let until = (fixture.clock.now() + .seconds(60)).rfc3339
            for role in Role.allCases {
                for route in Self.routes {
                    let body = route.body?.replacing("UNTIL", with: until)
                    let answer = try await fixture.send(route.method, route.path, as: role, json: body)
                    if role.includes(route.needs) {
                        #expect(
                            route.statuses.contains(answer.status),
                            "\(role) \(route.method) \(route.path) \(answer.text)"
                        )
                    } else {
                        #expect(answer.status == 403, "\(role) \(route.method) \(route.path)")
                        #expect(try answer.code() == "forbidden")
                    }
                    if route.path.hasSuffix("/hold") { _ = try await fixture.send("DELETE", "/v1/agents/a1/hold") }
                }
            }
        }
    }

    @Test
    func `without a live key there is nothing`() async throws {
        try await withManagement { fixture in
            try await fixture.addAgent("a1")
            let (revoked, secret) = try await fixture.keyRing.create(NewAPIKey(name: "gone", role: .admin), by: "test")
            #expect(try await fixture.send("GET", "/v1/agents", key: secret).status == 200)
            #expect(try await fixture.send("DELETE", "/v1/keys/\(revoked.id)").status == 204)
            for key in [nil, secret, "rk_nonsense", ""] {
                for route in Self.routes {
                    let answer = try await fixture.send(route.method, route.path, key: key, json: route.body)
                    #expect(answer.status == 401, "\(route.method) \(route.path)")
                    #expect(try answer.code() == "unauthenticated")
                }
            }
            let basic = try await fixture.send(
                "GET",
                "/v1/agents",
                as: nil,
                headers: ["Authorization": "Basic \(secret)"]
            )
            #expect(basic.status == 401)
        }
    }

    @Test
    func `to a key of another team the agent does not exist`() async throws {
        try await withManagement { fixture in
            try await fixture.addAgent("a1", team: "sales")
            let stranger = try await fixture.key(.admin, teams: ["support"])
            let member = try await fixture.key(.admin, teams: ["support", "sales"])
            for route in Self.routes where route.path.contains("/a1") {
                let body = route.body?.replacing("UNTIL", with: (fixture.clock.now() + .seconds(60)).rfc3339)
                let answer = try await fixture.send(route.method, route.path, key: stranger, json: body)
                #expect(answer.status == 404, "\(route.method) \(route.path)")
                if route.method == "GET" {
                    #expect(try await fixture.send(route.method, route.path, key: member).status == 200)
                }
            }
            #expect(try await fixture.send("GET", "/v1/agents", key: stranger).items().isEmpty)
            #expect(try await fixture.send("GET", "/v1/agents?team=sales", key: stranger).items().isEmpty)
            #expect(try await fixture.send("GET", "/v1/agents", key: member).items().count == 1)
            #expect(try await fixture.send("GET", "/v1/summary", key: stranger).json()["agents"] as? Int == 0)
            #expect(try await fixture.send("GET", "/v1/summary", key: member).json()["agents"] as? Int == 1)
            let moved = try await fixture.send("PUT", "/v1/agents/a1", key: member, json: #"{"team":"elsewhere"}"#)
            #expect(try moved.code() == "outside_team")
            #expect(try await fixture.send("GET", "/v1/keys", key: member).status == 403)
        }
    }
}
