import Domain
import Domain
import LibPQ
import Service
import Testing

@Suite("Roles")
struct RolesMatrixTests {
    /// Every route, the least role it needs, and a request that succeeds on the agent `a1`, who has an instance.
    static let routes: [(method: String, path: String, needs: Role, body: String?)] = [
        ("GET", "/v1/agents", .view, nil),
        ("GET", "/v1/agents/a1", .view, nil),
        ("GET", "/v1/agents/a1/explain", .view, nil),
        ("GET", "/v1/agents/a1/timeline", .view, nil),
        ("GET", "/v1/summary", .view, nil),
        ("GET", "/v1/stats", .view, nil),
        ("GET", "/v1/incidents", .view, nil),
        ("GET", "/v1/engines", .view, nil),
        ("GET", "/v1/unmatched", .view, nil),
        ("GET", "/v1/unmatched?group=name", .view, nil),
        ("GET", "/v1/sources/hr/aliases", .view, nil),
        ("PUT", "/v1/sources/hr/aliases/77?dry_run=true", .admin, #"{"agent_id":"a1"}"#),
        ("PUT", "/v1/sources/hr/aliases/77", .admin, #"{"agent_id":"a1"}"#),
        ("DELETE", "/v1/sources/hr/aliases/77", .admin, nil),
        ("GET", "/v1/guard", .view, nil),
        ("GET", "/v1/alerts", .view, nil),
        ("GET", "/v1/sources", .view, nil),
        ("GET", "/v1/sources/hr", .view, nil),
        ("GET", "/v1/sources/hr/deliveries", .view, nil),
        ("DELETE", "/v1/agents/a1/hold", .manage, nil),
        ("POST", "/v1/agents/a1/reconcile", .manage, nil),
        ("PUT", "/v1/agents/a1/hold", .manage, #"{"state":"running","until":"UNTIL","reason":"test"}"#),
        ("POST", "/v1/actions", .manage, #"{"action":"release","agents":["a1"]}"#),
        ("PUT", "/v1/agents/a1", .admin, "{}"),
        ("GET", "/v1/keys", .admin, nil),
        ("POST", "/v1/keys", .admin, #"{"name":"new","role":"view"}"#),
        ("DELETE", "/v1/sources/hr/people/nobody", .admin, nil),
        ("DELETE", "/v1/agents/a1?stop=true", .admin, nil),
    ]

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
                            (200..<300).contains(answer.status),
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
