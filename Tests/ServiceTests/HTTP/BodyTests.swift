import Domain
import LibPQ
import Service
import Testing

@Suite("Bodies")
struct BodyTests {
    private static let put = "PUT /v1/agents/a1 HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"

    @Test
    func `a body that never ends is answered in time, and its connection closed`() async throws {
        try await withManagement(limits: BodyLimits(sendTimeout: .milliseconds(200))) { fixture in
            let head =
                Self.put + "Authorization: Bearer \(fixture.keys[.admin] ?? "")\r\nContent-Length: 100\r\n\r\n{\"na"
            let answer = try await WireClient.sendRaw(Array(head.utf8), port: fixture.port)
            #expect(answer.status == 408)
            #expect(try answer.code() == "body_timeout")
            #expect(answer.headers["connection"] == "close")
            #expect(try await fixture.send("GET", "/livez", as: nil).status == 200)
        }
    }

    @Test
    func `a body that never ends and that nobody reads does not keep its connection`() async throws {
        try await withManagement { fixture in
            let head = Self.put + "Content-Length: 1000000\r\n\r\n{\"na"
            let answer = try await WireClient.sendRaw(Array(head.utf8), port: fixture.port)
            #expect(answer.status == 401)
            #expect(answer.headers["connection"] == "close")
        }
    }

    @Test(arguments: ["GET /livez", "GET /v1/agents", "POST /v1/agents/none/reconcile"])
    func `a body that never ends does not keep its connection where no route reads it, with or without a key`(
        route: String
    ) async throws {
        // Longer than the answer takes on a machine that is busy: with the connection it would be lost.
        try await withManagement(limits: BodyLimits(unreadTimeout: .seconds(2))) { fixture in
            let key = "Authorization: Bearer \(fixture.keys[.admin] ?? "")\r\n"
            for head in ["Content-Length: 1000000\r\n\r\n{\"na", "Transfer-Encoding: chunked\r\n\r\n4\r\n{\"na\r\n"] {
                let began = ContinuousClock.now
                let request = "\(route) HTTP/1.1\r\nHost: x\r\n\(route.contains("livez") ? "" : key)\(head)"
                let answer = try await WireClient.sendRaw(Array(request.utf8), port: fixture.port)
                #expect([200, 404].contains(answer.status))
                // The client itself gives up after 30 s.
                #expect(ContinuousClock.now - began < .seconds(20))
            }
        }
    }

    @Test
    func `a connection goes on after a small body that no route read`() async throws {
        try await withManagement(limits: BodyLimits(unreadTimeout: .milliseconds(300))) { fixture in
            let connection = try KeptConnection(port: fixture.port)
            defer { connection.end() }
            for request in [
                "GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
                "GET /livez HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
                "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n",
            ] {
                let answer = try await connection.exchange(request, until: "\"alive\"}")
                #expect(answer.hasPrefix("HTTP/1.1 200"), "\(answer)")
                // Longer than a body may take; the database keeps the time.
                _ = try await fixture.pool.query("SELECT pg_sleep(0.5)")
            }
        }
    }

    @Test
    func `a body that comes at once may wait behind a longer answer than its own time`() async throws {
        try await withManagement(limits: BodyLimits(unreadTimeout: .milliseconds(300))) { fixture in
            let connection = try KeptConnection(port: fixture.port)
            defer { connection.end() }
            let key = "Authorization: Bearer \(fixture.keys[.admin] ?? "")\r\n"
            // More than the framework reads ahead of an answer.
            let body = #"{"name":"Ana"\#(String(repeating: " ", count: 1_000_000))}"#
            let pipelined =
                "GET /v1/agents HTTP/1.1\r\nHost: x\r\n\(key)\r\n"
                + "\(Self.put)\(key)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
            try await withThrowingTaskGroup(of: String.self) { group in
                try await fixture.pool.withTransaction { transaction in
                    try await transaction.run(["LOCK TABLE agent_states IN ACCESS EXCLUSIVE MODE"])
                    group.addTask { try await connection.exchange(pipelined, until: "\"name\":\"Ana\"") }
                    // Longer than a body may take; the database keeps the time, and the list waits for it.
                    try await transaction.run(["SELECT pg_sleep(1.5)"])
                }
                let answers = try #require(try await group.next())
                #expect(answers.hasPrefix("HTTP/1.1 200"), "\(answers)")
                #expect(answers.contains("HTTP/1.1 201"), "\(answers)")
            }
        }
    }

    @Test
    func `a body that is sent for ever and fast does not keep its connection`() async throws {
        try await withManagement(limits: BodyLimits(unreadTimeout: .milliseconds(300))) { fixture in
            let connection = try KeptConnection(port: fixture.port)
            defer { connection.end() }
            let chunk = "10000\r\n\(String(repeating: "y", count: 0x10000))\r\n"
            let head = "GET /livez HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            #expect(try await connection.isClosed(by: head, thenForEver: chunk, within: .seconds(20)))
        }
    }

    @Test
    func `a body over the limit is refused, announced or not`() async throws {
        try await withManagement { fixture in
            let large = "{\"name\":\"" + String(repeating: "x", count: 10_000_000) + "\"}"
            let announced = try await fixture.send("PUT", "/v1/agents/a1", json: large)
            #expect(announced.status == 413)
            #expect(try announced.code() == "body_too_large")

            let chunk = String(repeating: "y", count: 0x10000)
            let chunks = String(repeating: "10000\r\n\(chunk)\r\n", count: 20)
            let head =
                Self.put + "Authorization: Bearer \(fixture.keys[.admin] ?? "")\r\nTransfer-Encoding: chunked\r\n\r\n"
            let chunked = try await WireClient.sendRaw(Array((head + chunks + "0\r\n\r\n").utf8), port: fixture.port)
            #expect(chunked.status == 413)
        }
    }

    @Test(
        arguments: [
            ("{", 400, "malformed_json", nil), ("", 400, "malformed_json", nil), ("[]", 422, "invalid_field", "body"),
            ("{\"name\":\"a\u{0}b\"}", 400, "malformed_json", nil),
            ("{\"name\":\"a\\u0000b\"}", 422, "invalid_field", "name"),
            ("{\"name\":\"a\\u0007b\"}", 422, "invalid_field", "name"), ("{\"name\":5}", 422, "invalid_field", "name"),
            ("{\"team\":[]}", 422, "invalid_field", "team"),
            ("{\"time_zone\":\"Mars/Olympus\"}", 422, "invalid_field", "time_zone"),
            ("{\"time_zone\":\"../../etc/passwd\"}", 422, "invalid_field", "time_zone"),
            ("{\"instance\":{}}", 422, "invalid_field", "instance.engine"),
            ("{\"instance\":7}", 422, "invalid_field", "instance"),
            ("{\"instance\":{\"engine\":\"nope\",\"instance_id\":\"i\"}}", 422, "invalid_field", "instance.engine"),
            ("{\"instance\":{\"engine\":\"main\"}}", 422, "invalid_field", "instance.instance_id"),
            ("{\"aliases\":[{\"source\":\"nope\",\"external_id\":\"1\"}]}", 422, "invalid_field", "aliases[0].source"),
            ("{\"aliases\":[{\"source\":\"hr\"}]}", 422, "invalid_field", "aliases[0].external_id"),
            (String(repeating: "[", count: 40), 400, "malformed_json", nil),
        ] as [(String, Int, String, String?)]
    )
    func `a bad body is refused with what is wrong`(
        body: String,
        status: Int,
        code: String,
        field: String?
    ) async throws {
        try await withManagement { fixture in
            let answer = try await fixture.send("PUT", "/v1/agents/a1", json: body)
            #expect(answer.status == status)
            #expect(try answer.code() == code)
            #expect(try answer.json()["field"] as? String == field)
            #expect(try await fixture.count("SELECT count(*) AS count FROM agents") == 0)
        }
    }

    @Test
    func `a long name is counted in characters`() async throws {
        try await withManagement { fixture in
            let fits = String(repeating: "é", count: 200)
            let found88 = try await fixture.send("PUT", "/v1/agents/a1", json: "{\"name\":\"\(fits)\"}").status
            #expect(found88 == 201)
            let found89 = try await fixture.send("PUT", "/v1/agents/a1", json: "{\"name\":\"\(fits)é\"}").status
            #expect(found89 == 422)
        }
    }

    @Test
    func `another type than JSON is refused`() async throws {
        try await withManagement { fixture in
            let answer = try await fixture.send(
                "PUT",
                "/v1/agents/a1",
                json: "{}",
                headers: ["Content-Type": "text/plain"]
            )
            #expect(answer.status == 415)
            #expect(try answer.code() == "unsupported_media_type")
        }
    }

    @Test(arguments: [
        ("GET", "/nowhere", 404, "not_found"), ("GET", "/v1/agents/a1/nothing", 404, "not_found"),
        ("PATCH", "/v1/agents/a1", 405, "method_not_allowed"), ("POST", "/v1/summary", 405, "method_not_allowed"),
        ("GET", "/v1/agents/none", 404, "not_found"), ("GET", "/v1/agents/a%20b", 422, "invalid_field"),
        ("GET", "/v1/agents/a%00b", 422, "invalid_field"), ("GET", "/v1/agents/%FF", 422, "invalid_field"),
        ("GET", "/v1/agents?limit=0", 422, "invalid_field"), ("GET", "/v1/agents?limit=501", 422, "invalid_field"),
        ("GET", "/v1/agents?limit=x", 422, "invalid_field"), ("GET", "/v1/agents?shift=nope", 422, "invalid_field"),
        ("GET", "/v1/agents?condition=nope", 422, "invalid_field"),
        ("GET", "/v1/agents?cursor=zz", 422, "invalid_field"),
        ("GET", "/v1/agents?cursor=6131", 422, "invalid_field"), ("GET", "/v1/agents?q=%00", 422, "invalid_field"),
        ("GET", "/v1/unmatched?cursor=1.2.zz", 422, "invalid_field"), ("DELETE", "/v1/keys/nope", 404, "not_found"),
    ])
    func `a bad address is refused as a problem`(method: String, path: String, status: Int, code: String) async throws {
        try await withManagement { fixture in
            let answer = try await fixture.send(method, path)
            #expect(answer.status == status)
            #expect(try answer.code() == code)
        }
    }
}
