import LibPQ
import Testing

/// Who may post what.
@Suite("Bad keys", .serving, .serialized, .timeLimit(.minutes(3)))
struct BadKeyTests {
    private static func event(_ agent: String, id: String? = nil) -> String {
        let id = id.map { #","event_id":"\#($0)""# } ?? ""
        return #"{"agent_id":"\#(agent)","kind":"clock_in"\#(id)}"#
    }

    @Test(
        arguments: [
            nil, "", "Bearer", "Bearer ", "Bearer wrong", "Bearer \(Installation.adminKey)x", Installation.adminKey,
            "Basic \(Installation.adminKey)", "Bearer rk_",
        ]
    )
    func `without a live key nothing is taken`(authorization: String?) async throws {
        let service = try Served.shared()
        for path in ["/v1/clock-events", "/v1/agents/ana/clock-in"] {
            try await service.expectRefused(401, "unauthenticated") {
                let answer = try await service.send(
                    "POST",
                    path,
                    key: nil,
                    json: Self.event("ana"),
                    headers: authorization.map { ["Authorization": $0] } ?? [:]
                )
                #expect(answer.headers["www-authenticate"] == "Bearer")
                return answer
            }
        }
    }

    @Test(arguments: ["view", "manage"])
    func `a key of another role may not post events`(role: String) async throws {
        let service = try Served.shared()
        let key = try await service.makeKey(role: role)
        for path in ["/v1/clock-events", "/v1/agents/ana/clock-in"] {
            try await service.expectRefused(403, "forbidden") {
                try await service.send("POST", path, key: key.key, json: Self.event("ana"))
            }
        }
    }

    @Test
    func `a revoked key stops working without a restart`() async throws {
        let service = try Served.shared()
        let key = try await service.makeKey(role: "clock")
        #expect(try await service.post(Self.event("revoked"), key: key.key).status == 202)
        let outcome = try await service.installation.run("keys", "revoke", key.id)
        #expect(outcome.code == 0, "\(outcome.output)")
        try await service.until("the key is refused") {
            try await service.send("POST", "/v1/clock-events", key: key.key, json: "{").status == 401
        }
        try await service.expectRefused(401, "unauthenticated") {
            try await service.post(Self.event("revoked"), key: key.key)
        }
    }

    @Test
    func `a key of one team may not speak of another's agents, nor of strangers`() async throws {
        let service = try Served.shared()
        try await service.put("blue-1", team: "blue", hasInstance: false)
        try await service.put("red-1", team: "red", hasInstance: false)
        let key = try await service.makeKey(role: "clock", "--team", "blue")
        for agent in ["red-1", "nobody-knows"] {
            try await service.expectRefused(403, "outside_team") {
                try await service.post(Self.event(agent), key: key.key)
            }
            try await service.expectRefused(403, "outside_team") {
                try await service.send("POST", "/v1/agents/\(agent)/clock-in", key: key.key)
            }
        }
        #expect(try await service.post(Self.event("blue-1"), key: key.key).status == 202)
        let before = try await service.installation.ledgerCount()
        let items = ["red-1", "blue-1", "nobody-knows", "blue-1"].map { Self.event($0) }
        let answer = try await service.post("[\(items.joined(separator: ","))]", key: key.key)
        #expect(answer.status == 207)
        let results = try answer.decoded(ItemsView.self).results
        #expect(results.map(\.code) == ["outside_team", nil, "outside_team", nil])
        #expect(results.map(\.agentId) == [nil, "blue-1", nil, "blue-1"])
        #expect(try await service.installation.ledgerCount() == before + 2)
        #expect(try await service.agent("red-1").shift == "out")
    }

    @Test
    func `a key of one team speaks of whom its source means, whatever they are called`() async throws {
        let service = try Served.shared()
        let key = try await service.makeKey(role: "clock", "--team", "blue", "--source", "gate")
        try await service.put(
            "blue-9",
            team: "blue",
            hasInstance: false,
            aliases: #"[{"source":"gate","external_id":"17"}]"#
        )
        try await service.put(
            "red-9",
            team: "red",
            hasInstance: false,
            aliases: #"[{"source":"gate","external_id":"blue-8"},{"source":"gate","external_id":"18"}]"#
        )
        try await service.put("blue-8", team: "blue", hasInstance: false)
        #expect(try await service.post(Self.event("17"), key: key.key).status == 202)
        #expect(try await service.agent("blue-9").shift == "in")
        // What the gate calls so is an agent of the other team, even where one of this team has the name.
        for name in ["blue-8", "18", "red-9"] {
            try await service.expectRefused(403, "outside_team") {
                try await service.post(Self.event(name), key: key.key)
            }
            try await service.expectRefused(403, "outside_team") {
                try await service.send("POST", "/v1/agents/\(name)/clock-in", key: key.key)
            }
        }
        let before = try await service.installation.ledgerCount()
        let items = ["18", "17", "blue-8", "17", "blue-8"].map { Self.event($0) }
        let answer = try await service.post("[\(items.joined(separator: ","))]", key: key.key)
        let results = try answer.decoded(ItemsView.self).results
        #expect(results.map(\.code) == ["outside_team", nil, "outside_team", nil, "outside_team"])
        #expect(try await service.installation.ledgerCount() == before + 2)
        let strangers = "[\(Self.event("18")),\(Self.event("blue-8"))]"
        #expect(
            try await service.post(strangers, key: key.key).decoded(ItemsView.self).results.map(\.code)
                == ["outside_team", "outside_team"]
        )
        #expect(try await service.installation.ledgerCount() == before + 2)
        for agent in ["red-9", "blue-8"] { #expect(try await service.agent(agent).shift == "out") }
        // Everybody else may say so of them.
        #expect(try await service.post(Self.event("blue-8")).status == 202)
    }

    @Test
    func `a key of one source posts to that source and to no other`() async throws {
        let service = try Served.shared()
        try await service.put("badge-1", hasInstance: false)
        let badge = try await service.makeKey(role: "clock", "--source", "badge")
        let door = try await service.makeKey(role: "clock", "--source", "door")
        #expect(try await service.post(Self.event("badge-1", id: "b-1"), key: badge.key).status == 202)
        // An id belongs to its source: another source cannot take it, nor learn of it.
        #expect(try await service.post(Self.event("badge-1", id: "b-1"), key: door.key).status == 202)
        #expect(try await service.post(Self.event("badge-1", id: "b-1"), key: badge.key).status == 200)
        let sources = try await service.installation.owner.query(
            """
            SELECT s.name
            FROM clock_events e
            JOIN clock_sources s ON s.source_id = e.source_id
            WHERE e.event_id = 'b-1'
            ORDER BY s.name
            """
        )
        #expect(try sources.map { try $0.column("name", as: String.self) } == ["badge", "door"])
        // What a key of ours proves is nothing to a vendor's route.
        try await service.expectRefused(404, "not_found") {
            try await service.send("POST", "/v1/sources/badge/events", key: badge.key, json: Self.event("badge-1"))
        }
    }
}
