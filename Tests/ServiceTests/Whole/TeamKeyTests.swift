import LibPQ
import Testing

/// Keys that are bound to teams, where the map or the database does not stand still.
@Suite("Team keys", .timeLimit(.minutes(2)))
struct TeamKeyTests {
    private struct KeyView: Decodable {
        var key: String
    }

    /// A clock key of a team, once it works.
    private func key(of team: String, _ service: RunningService) async throws -> String {
        let made = try await service.send(
            "POST",
            "/v1/keys",
            json: #"{"name":"team \#(team)","role":"clock","teams":["\#(team)"]}"#
        )
        let key: KeyView = try made.decoded()
        try await service.until { try await service.post("[]", key: key.key).status != 401 }
        return key.key
    }

    @Test
    func `while the database hangs their events are refused within a second, too`() async throws {
        try await withRunningService { service in
            try await service.add("ana")
            let key = try await key(of: "support", service)
            let event = #"{"event_id":"e1","agent_id":"ana","kind":"clock_in"}"#
            try await service.owner.withTransaction { transaction in
                try await transaction.run(["LOCK TABLE agents IN ACCESS EXCLUSIVE MODE"])
                var delays: [Duration] = []
                for body in [event, "[\(event)]", event] {
                    let asked = ContinuousClock.now
                    let answer = try await service.post(body, key: key)
                    delays.append(ContinuousClock.now - asked)
                    #expect(answer.status == 503, "\(answer.text)")
                    #expect(answer.headers["retry-after"] != nil)
                }
                // On a busy machine one answer may be late.
                #expect(delays.sorted()[1] < .seconds(1), "\(delays)")
            }
            try await service.until { try await service.post(event, key: key).status < 300 }
            #expect(try await service.ledgerCount() == 1)
        }
    }

    @Test
    func `an agent's team counts as it is when the event is taken`() async throws {
        try await withRunningService { service in
            try await service.add("ana", team: "blue")
            let key = try await key(of: "blue", service)
            let event = { (id: String) in #"{"event_id":"\#(id)","agent_id":"ana","kind":"clock_in"}"# }
            #expect(try await service.post(event("e1"), key: key).status == 202)
            try await service.put("ana", team: "red")
            let refused = try await service.post(event("e2"), key: key)
            #expect(refused.status == 403)
            // Nor is a key told of what others said.
            #expect(try await service.post(event("e3")).status == 202)
            #expect(try await service.post(event("e3"), key: key).status == 403)
            #expect(try await service.ledgerCount() == 2)
            try await service.put("ana", team: "blue")
            #expect(try await service.post(event("e3"), key: key).status == 200)
        }
    }
}
