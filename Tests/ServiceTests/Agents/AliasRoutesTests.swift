import Domain
import LibPQ
import Service
import Testing

@Suite("Alias routes")
struct AliasRoutesTests {
    private static let path = "/v1/sources/hr/aliases"

    @Test
    func `an alias is added, said to be the same, moved and taken away`() async throws {
        try await withManagement { fixture in
            try await fixture.addAgent("ana")
            try await fixture.addAgent("bo")
            let new = try await fixture.send("PUT", "\(Self.path)/77", json: #"{"agent_id":"ana"}"#)
            #expect(new.status == 201, "\(new.text)")
            #expect(try new.json()["moved_from"] as? String == nil)
            let agent = try new.json()["agent"] as? [String: Any]
            #expect((agent?["aliases"] as? [[String: String]]) == [["source": "hr", "external_id": "77"]])
            let same = try await fixture.send("PUT", "\(Self.path)/77", json: #"{"agent_id":"ana"}"#)
            #expect(same.status == 200)
            #expect(try same.json()["moved_from"] as? String == nil)
            let moved = try await fixture.send("PUT", "\(Self.path)/77", json: #"{"agent_id":"bo"}"#)
            #expect(moved.status == 200)
            #expect(try moved.json()["moved_from"] as? String == "ana")
            for _ in 0..<2 { #expect(try await fixture.send("DELETE", "\(Self.path)/77").status == 204) }
            #expect(try await fixture.send("GET", Self.path).items().isEmpty)
            let audit = try await fixture.pool.rows(
                "SELECT deed, subject, detail ->> 'moved_from' AS moved FROM audit WHERE deed LIKE 'alias%' ORDER BY entry"
            ) { row throws(PQError) in
                "\(try row.column("deed", as: String.self)) \(try row.column("subject", as: String.self)) "
                    + (try row.column("moved", as: String?.self) ?? "-")
            }
            #expect(audit == ["alias.put hr:77 -", "alias.put hr:77 ana", "alias.delete hr:77 -"])
        }
    }

    @Test(arguments: [
        "a/b", "50% off", "Ana Ito", "Åsa·東京", "a?b#c&d=e+f", "'; DROP TABLE agents; --", "%2F", "x.y:z;w",
    ])
    func `an external id is anything that can be printed`(externalID: String) async throws {
        try await withManagement { fixture in
            try await fixture.addAgent("ana")
            try await fixture.addEvent(.clockIn, of: externalID, ago: .seconds(60), source: "hr", matched: false)
            let escaped = externalID.utf8.map { byte in
                "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }.joined()
            let put = try await fixture.send("PUT", "\(Self.path)/\(escaped)", json: #"{"agent_id":"ana"}"#)
            #expect(put.status == 201, "\(put.text)")
            #expect(try put.json()["external_id"] as? String == externalID)
            #expect(try put.json()["applied"] as? Int == 1)
            let listed = try await fixture.send("GET", Self.path).items()
            #expect(listed.map { $0["external_id"] as? String } == [externalID])
            #expect(try await fixture.send("DELETE", "\(Self.path)/\(escaped)").status == 204)
            #expect(try await fixture.send("GET", Self.path).items().isEmpty)
        }
    }

    @Test
    func `what is wrong is said with a code and the field`() async throws {
        try await withManagement { fixture in
            try await fixture.addAgent("ana")
            let nowhere = try await fixture.send("PUT", "/v1/sources/nope/aliases/7", json: #"{"agent_id":"ana"}"#)
            #expect(nowhere.status == 404)
            #expect(try nowhere.code() == "not_found")
            #expect(try await fixture.send("DELETE", "/v1/sources/nope/aliases/7").status == 404)
            #expect(try await fixture.send("GET", "/v1/sources/nope/aliases").status == 404)
            for body in [#"{"agent_id":"nobody"}"#, "{}", #"{"agent_id":"a b"}"#, #"{"agent_id":7}"#] {
                let answer = try await fixture.send("PUT", "\(Self.path)/7", json: body)
                #expect(answer.status == 422, "\(body)")
                #expect(try answer.code() == "invalid_field")
                #expect(try answer.json()["field"] as? String == "agent_id")
                #expect((try answer.json()["hint"] as? String)?.isEmpty == false)
            }
            for id in ["%00", "%0A", "%7F", String(repeating: "x", count: 201)] {
                let answer = try await fixture.send("PUT", "\(Self.path)/\(id)", json: #"{"agent_id":"ana"}"#)
                #expect(answer.status == 422, "\(id)")
                #expect(try answer.json()["field"] as? String == "external_id")
            }
            #expect(try await fixture.send("PUT", "\(Self.path)/%FF", json: #"{"agent_id":"ana"}"#).status == 404)
            #expect(try await fixture.send("GET", "\(Self.path)?cursor=zz").status == 422)
        }
    }

    @Test
    func `a dry run answers as the mapping would, and changes nothing`() async throws {
        try await withManagement { fixture in
            try await fixture.addAgent("ana")
            try await fixture.addEvent(.clockIn, of: "77", ago: .seconds(120), source: "hr", matched: false)
            try await fixture.addEvent(.breakStart, of: "77", ago: .seconds(60), source: "hr", matched: false)
            _ = fixture.bell.take()
            let states: PQStatement = "SELECT sum(generation)::bigint AS count FROM agent_states"
            let generations = try await fixture.count(states)
            let path = "\(Self.path)/77"
            let dry = try await fixture.send("PUT", "\(path)?dry_run=true", json: #"{"agent_id":"ana"}"#)
            #expect(dry.status == 200, "\(dry.text)")
            let preview = try dry.json()
            #expect(preview["applied"] as? Int == 2)
            #expect(preview["dry_run"] as? Bool == true)
            #expect((preview["agent"] as? [String: Any])?["shift"] as? String == "break")
            let text = try #require(preview["text"] as? String)
            #expect(text.hasPrefix("2 events will be applied. Agent ana will be on break since "), "\(text)")
            #expect(text.hasSuffix("Their session will start."), "\(text)")
            #expect(fixture.bell.take().isEmpty)
            #expect(try await fixture.send("GET", Self.path).items().isEmpty)
            #expect(try await fixture.send("GET", "/v1/unmatched").items().count == 2)
            #expect(try await fixture.count(states) == generations)
            #expect(try await fixture.count("SELECT count(*) AS count FROM left_out_events") == 0)
            #expect(try await fixture.count("SELECT count(*) AS count FROM audit WHERE deed LIKE 'alias%'") == 0)

            let real = try await fixture.send("PUT", path, json: #"{"agent_id":"ana"}"#)
            #expect(real.status == 201)
            #expect(try real.json()["applied"] as? Int == 2)
            #expect(
                (try real.json()["text"] as? String)?.hasPrefix("2 events were applied. Agent ana is on break") == true
            )
            #expect(fixture.bell.take().count == 1)
            #expect(try await fixture.send("GET", "/v1/unmatched").items().isEmpty)
        }
    }

    @Test
    func `what is left out is counted with its reason`() async throws {
        try await withManagement { fixture in
            try await fixture.addAgent("ana")
            try await fixture.addEvent(.clockIn, of: "77", ago: .seconds(30 * 3600), source: "hr", matched: false)
            let answer = try await fixture.send("PUT", "\(Self.path)/77", json: #"{"agent_id":"ana"}"#).json()
            #expect(answer["applied"] as? Int == 0)
            #expect(answer["left_out"] as? Int == 1)
            #expect(answer["left_out_reason"] as? String == "too_old_to_start")
            let again = try await fixture.send("PUT", "\(Self.path)/77", json: #"{"agent_id":"ana"}"#).json()
            #expect(again["applied"] as? Int == 0)
            #expect(again["left_out"] as? Int == 1)
            // Whose name it is no more lets go of it.
            #expect(try await fixture.send("DELETE", "\(Self.path)/77").status == 204)
            let left = try await fixture.send("GET", "/v1/unmatched").items()
            #expect(left.map { $0["reason"] as? String } == ["unknown_name"])
        }
    }

    @Test
    func `a list shows one agent's, or those that fit, a page at a time`() async throws {
        try await withManagement { fixture in
            for agent in ["ana", "bo"] { try await fixture.addAgent(agent, team: agent == "ana" ? "desk" : "phone") }
            for number in 10..<20 {
                let agent = number < 15 ? "ana" : "bo"
                let put = try await fixture.send("PUT", "\(Self.path)/E\(number)", json: #"{"agent_id":"\#(agent)"}"#)
                #expect(put.status == 201)
            }
            func all(_ query: String, key: String? = nil) async throws -> [String] {
                var ids: [String] = []
                var cursor = ""
                repeat {
                    let path = "\(Self.path)?limit=3\(query)\(cursor)"
                    let page =
                        if let key { try await fixture.send("GET", path, key: key) } else {
                            try await fixture.send("GET", path, as: .view)
                        }
                    ids += try page.items().compactMap { $0["external_id"] as? String }
                    cursor = (try page.json()["next_cursor"] as? String).map { "&cursor=\($0)" } ?? ""
                } while !cursor.isEmpty
                return ids
            }
            #expect(try await all("") == (10..<20).map { "E\($0)" })
            #expect(try await all("&agent=bo") == (15..<20).map { "E\($0)" })
            #expect(try await all("&agent=nobody") == [])
            #expect(try await all("&q=e1") == (10..<20).map { "E\($0)" })
            #expect(try await all("&q=BO") == (15..<20).map { "E\($0)" })
            #expect(try await all("&q=e12") == ["E12"])
            let desk = try await fixture.key(.view, teams: ["desk"])
            #expect(try await all("", key: desk) == (10..<15).map { "E\($0)" })
            #expect(try await all("&agent=bo", key: desk) == [])
        }
    }

    @Test
    func `a key of another team can neither take an alias nor give one away`() async throws {
        try await withManagement { fixture in
            try await fixture.addAgent("ana", team: "desk")
            try await fixture.addAgent("bo", team: "phone")
            #expect(try await fixture.send("PUT", "\(Self.path)/77", json: #"{"agent_id":"ana"}"#).status == 201)
            let phone = try await fixture.key(.admin, teams: ["phone"])
            let stolen = try await fixture.send("PUT", "\(Self.path)/77", key: phone, json: #"{"agent_id":"bo"}"#)
            #expect(try stolen.code() == "outside_team")
            let list = #"{"aliases":[{"source":"hr","external_id":"77"}]}"#
            #expect(try await fixture.send("PUT", "/v1/agents/bo", key: phone, json: list).code() == "outside_team")
            let given = try await fixture.send("PUT", "\(Self.path)/78", key: phone, json: #"{"agent_id":"ana"}"#)
            #expect(given.status == 422)
            #expect(try await fixture.send("DELETE", "\(Self.path)/77", key: phone).status == 204)
            #expect(try await fixture.send("GET", Self.path).items().count == 1)
        }
    }

    @Test
    func `names that nobody knows are grouped, with what would start and whom they may mean`() async throws {
        try await withManagement { fixture in
            try await fixture.addAgent("ana")
            _ = try await fixture.send("PUT", "/v1/agents/bo", json: #"{"name":"Bo Li"}"#)
            _ = try await fixture.send("PUT", "/v1/sources/api/aliases/E7", json: #"{"agent_id":"bo"}"#)
            try await fixture.addEvent(.clockIn, of: "ANA", ago: .seconds(600), source: "hr", matched: false)
            try await fixture.addEvent(.breakStart, of: "ANA", ago: .seconds(300), source: "hr", matched: false)
            try await fixture.addEvent(.clockIn, of: "bo li", ago: .seconds(30 * 3600), source: "hr", matched: false)
            try await fixture.addEvent(.clockOut, of: "E7", ago: .seconds(60), source: "hr", matched: false)
            try await fixture.addEvent(.clockIn, of: "zz", ago: .seconds(60), source: "hr", matched: false)
            let names = try await fixture.send("GET", "/v1/unmatched?group=name", as: .view).items()
            #expect(names.map { $0["external_id"] as? String } == ["ANA", "E7", "bo li", "zz"])
            #expect(names.map { $0["events"] as? Int } == [2, 1, 1, 1])
            #expect(names.map { $0["starts_now"] as? Bool } == [true, false, false, true])
            #expect(names.first?["kinds"] as? [String] == ["clock_in", "break_start"])
            let suggested = names.map { name in
                (name["suggestions"] as? [[String: String]] ?? []).map {
                    "\($0["agent_id"] ?? "") \($0["because"] ?? "")"
                }
            }
            #expect(suggested == [["ana agent_id"], ["bo alias"], ["bo name"], []])
            let first = try #require(names.first)
            #expect((first["first_occurred_at"] as? String ?? "") < (first["last_occurred_at"] as? String ?? ""))

            #expect(try await fixture.send("GET", "/v1/unmatched?group=name&source=api").items().isEmpty)
            #expect(try await fixture.send("GET", "/v1/unmatched?group=day").status == 422)
            var paged: [String] = []
            var path = "/v1/unmatched?group=name&limit=1"
            while true {
                let page = try await fixture.send("GET", path)
                paged += try page.items().compactMap { $0["external_id"] as? String }
                guard let next = try page.json()["next_cursor"] as? String else { break }
                path = "/v1/unmatched?group=name&limit=1&cursor=\(next)"
            }
            #expect(paged == ["ANA", "E7", "bo li", "zz"])
            let bound = try await fixture.key(.view, teams: ["support"])
            #expect(try await fixture.send("GET", "/v1/unmatched?group=name", key: bound).items().isEmpty)

            // A name that belongs to an agent says so while something under it is left out.
            _ = try await fixture.send("PUT", "\(Self.path)/bo%20li", json: #"{"agent_id":"bo"}"#)
            let left = try await fixture.send("GET", "/v1/unmatched?group=name").items()[2]
            #expect(left["agent_id"] as? String == "bo")
            #expect(left["left_out"] as? Int == 1)
            #expect(left["reason"] as? String == "too_old_to_start")
            #expect(left["starts_now"] as? Bool == false)
        }
    }
}
