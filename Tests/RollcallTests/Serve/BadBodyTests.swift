import LibPQ
import Testing

/// What cannot be a clock event is refused, is told why, and leaves nothing.
@Suite("Bad bodies", .serving, .serialized, .timeLimit(.minutes(3)))
struct BadBodyTests {
    private static func nested(_ depth: Int) -> String {
        String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }

    private static let event = #""agent_id":"bad-1","kind":"clock_in""#

    @Test(
        arguments: [
            "", " ", "{", "}", "nonsense", "null", "5", #""text""#, "{}{}", #"{"agent_id":"a" "kind":"clock_in"}"#,
            #"{"agent_id":}"#, #"{\#(event),}"#, #"{\#(event)} x"#, "{'agent_id':'a'}", #"{agent_id:"a"}"#,
            #"{\#(event),"x":NaN}"#, #"{\#(event),"x":01}"#, #"{\#(event),"x":"\ud800"}"#, #"{\#(event),"x":"\q"}"#,
            "{\(event),\"x\":\"\u{0}\"}", "{\(event),\"x\":\"a\nb\"}", "{\(event),\"x\":\"\u{1F}\"}",
            "[{\(event)}", "[{\(event)},]", "[,]", "\u{FEFF}{\(event)}",
        ]
    )
    func `malformed JSON is refused`(body: String) async throws {
        let service = try Served.shared()
        try await service.expectRefused(400, "malformed_json") { try await service.post(body) }
    }

    @Test
    func `bytes that are not UTF-8 are refused`() async throws {
        let service = try Served.shared()
        let body = Array("{\(Self.event),\"event_id\":\"".utf8) + [0xC3, 0x28] + Array("\"}".utf8)
        try await service.expectRefused(400, "malformed_json") {
            try await service.send("POST", "/v1/clock-events", bytes: body)
        }
    }

    @Test
    func `JSON may be 32 deep and no deeper`() async throws {
        let service = try Served.shared()
        try await service.expectRefused(400, "malformed_json") {
            try await service.post("{\(Self.event),\"x\":\(Self.nested(32))}")
        }
        try await service.expectRefused(400, "malformed_json") {
            try await service.post(#"{"agent_id":\#(Self.nested(32)),"kind":"clock_in"}"#)
        }
        try await service.expectRefused(400, "malformed_json") { try await service.post(Self.nested(33)) }
        try await service.expectRefused(400, "malformed_json") { try await service.post(Self.nested(300_000)) }
        #expect(try await service.post("{\(Self.event),\"x\":\(Self.nested(31))}").status == 202)
    }

    @Test(
        arguments: [
            (#"{"kind":"clock_in"}"#, "agent_id"), (#"{"agent_id":"bad-1"}"#, "kind"), ("{}", "agent_id"),
            (#"{"agent_id":null,"kind":"clock_in"}"#, "agent_id"), (#"{"agent_id":5,"kind":"clock_in"}"#, "agent_id"),
            (#"{"agent_id":["bad-1"],"kind":"clock_in"}"#, "agent_id"), (#"{"agent_id":"bad-1","kind":1}"#, "kind"),
            (#"{"agent_id":"bad-1","kind":{}}"#, "kind"), (#"{\#(event),"occurred_at":1772438400}"#, "occurred_at"),
            (#"{\#(event),"occurred_at":true}"#, "occurred_at"), (#"{\#(event),"event_id":7}"#, "event_id"),
        ]
    )
    func `a missing field or a wrong type is named`(body: String, field: String) async throws {
        let service = try Served.shared()
        try await service.expectRefused(422, "invalid_field", field: field) { try await service.post(body) }
    }

    @Test(arguments: ["application/x-www-form-urlencoded", "text/plain", "application/json; charset=utf-8"])
    func `the routes of one agent read a body as JSON whatever type it is said to be of`(type: String) async throws {
        let service = try Served.shared()
        let send = { (body: String) in
            try await service.send("POST", "/v1/agents/typed/clock-in", json: body, headers: ["Content-Type": type])
        }
        let answer = try await send(#"{"event_id":"typed as \#(type)"}"#)
        #expect(answer.status == 202, "\(answer.text)")
        #expect(try answer.decoded(ReceiptView.self).eventId == "typed as \(type)")
        try await service.expectRefused(400, "malformed_json") { try await send("event_id=typed") }
    }

    @Test(arguments: ["", "void", "clock-in", "CLOCK_IN", "lunch", "clock_in ", "clock_in\\u0000"])
    func `an unknown kind is refused`(kind: String) async throws {
        let service = try Served.shared()
        try await service.expectRefused(422, "invalid_field", field: "kind") {
            try await service.post(#"{"agent_id":"bad-1","kind":"\#(kind)"}"#)
        }
    }

    @Test(
        arguments: [
            "", "yesterday", "2026-03-02", "2026-03-02T08:00:00", "2026-02-30T08:00:00Z", "2026-13-02T08:00:00Z",
            "2026-03-02T24:30:00Z", "2026-03-02T08:00:00+25:00", "1772438400", "-2026-03-02T08:00:00Z",
            "0000-00-00T00:00:00Z", "0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "1999-12-31T23:59:59Z",
            "9999-12-31T23:59:59Z", "99999-01-01T00:00:00Z", "2026-03-02T08:00:00Z\\u0000",
        ]
    )
    func `a bad, ancient or far-future date is refused`(date: String) async throws {
        let service = try Served.shared()
        let path = "/v1/agents/bad-1/clock-in"
        try await service.expectRefused(422, "invalid_field", field: "occurred_at") {
            try await service.post(#"{\#(Self.event),"occurred_at":"\#(date)"}"#)
        }
        try await service.expectRefused(422, "invalid_field", field: "occurred_at") {
            try await service.send("POST", path, json: #"{"occurred_at":"\#(date)"}"#)
        }
    }

    @Test
    func `more than a year ahead is refused, the year 2000 is not`() async throws {
        let service = try Served.shared()
        let ahead = instant(inSeconds: 367 * 86_400)
        try await service.expectRefused(422, "invalid_field", field: "occurred_at") {
            try await service.post(#"{\#(Self.event),"occurred_at":"\#(ahead)"}"#)
        }
        #expect(try await service.post(#"{\#(Self.event),"occurred_at":"2000-01-01T00:00:00Z"}"#).status == 202)
        let withinAYear = instant(inSeconds: 364 * 86_400)
        #expect(try await service.post(#"{\#(Self.event),"occurred_at":"\#(withinAYear)"}"#).status == 202)
    }

    @Test(
        arguments: [
            #"a\u0000b"#, #"a\u0007b"#, #"a\u007fb"#, #"a\u0085b"#, #"a\nb"#, "", " ", "a b", "a/b", "a%20b", "ä",
            "a\\\"b",
            String(repeating: "a", count: 129),
        ]
    )
    func `an agent id with NUL, control or other characters is refused`(id: String) async throws {
        let service = try Served.shared()
        try await service.expectRefused(422, "invalid_field", field: "agent_id") {
            try await service.post(#"{"agent_id":"\#(id)","kind":"clock_in"}"#)
        }
    }

    @Test(
        arguments: [
            #"a\u0000b"#, #"\u001b[2J"#, #"a\u009fb"#, #"a\r\nb"#, "", String(repeating: "é", count: 201),
            // One letter with 200 accents on it.
            "e" + String(repeating: "\u{301}", count: 200),
        ]
    )
    func `an event id with NUL or control characters, or too long, is refused`(id: String) async throws {
        let service = try Served.shared()
        try await service.expectRefused(422, "invalid_field", field: "event_id") {
            try await service.post(#"{\#(Self.event),"event_id":"\#(id)"}"#)
        }
    }

    @Test
    func `200 characters of any script are an event id`() async throws {
        let service = try Served.shared()
        let id = String(repeating: "é", count: 199) + "😀"
        let answer = try await service.post(#"{\#(Self.event),"event_id":"\#(id)"}"#)
        #expect(answer.status == 202)
        #expect(try answer.decoded(ReceiptView.self).eventId == id)
    }

    @Test(
        arguments: [
            ("a%00b", 422), ("a%0Ab", 422), ("%FF", 422), ("%zz", 422), ("a%2Fb", 422), ("a%20b", 422), ("%C3%A9", 422),
            (String(repeating: "a", count: 129), 422),
        ]
    )
    func `a percent-encoded agent id is judged as it decodes`(id: String, status: Int) async throws {
        let service = try Served.shared()
        try await service.expectRefused(status, "invalid_field", field: "agent") {
            try await service.clock("clock-in", id)
        }
    }

    @Test
    func `a percent-encoded agent id means the agent it decodes to`() async throws {
        let service = try Served.shared()
        let answer = try await service.clock("clock-in", "ana%40shop%2Bone%3A1.x_y-z")
        #expect(answer.status == 202)
        #expect(try answer.decoded(ReceiptView.self).agentId == "ana@shop+one:1.x_y-z")
        #expect(
            try await service.installation.count(
                "SELECT count(*) AS count FROM clock_events WHERE external_id = 'ana@shop+one:1.x_y-z'"
            ) == 1
        )
    }

    @Test(arguments: ["text/plain", "application/xml", "multipart/form-data; boundary=x", "application/jsonp"])
    func `another media type is refused`(type: String) async throws {
        let service = try Served.shared()
        try await service.expectRefused(415, "unsupported_media_type") {
            try await service.post("{\(Self.event)}", headers: ["Content-Type": type])
        }
    }

    @Test
    func `JSON with parameters, or without a type, is taken`() async throws {
        let service = try Served.shared()
        let typed = try await service.post(
            "{\(Self.event)}",
            headers: ["Content-Type": "Application/JSON; charset=utf-8"]
        )
        #expect(typed.status == 202)
        let untyped = try await service.http.send(
            "POST",
            "/v1/clock-events",
            headers: ["Authorization": "Bearer \(Installation.adminKey)"],
            body: Array("{\(Self.event)}".utf8)
        )
        #expect(untyped.status == 202)
    }

    @Test(
        arguments: [
            ("GET", "/v1/clock-events"), ("PUT", "/v1/clock-events"), ("DELETE", "/v1/agents/bad-1/clock-in"),
            ("GET", "/v1/agents/bad-1/break-end"),
        ]
    )
    func `a wrong method is told which one is right`(method: String, path: String) async throws {
        let service = try Served.shared()
        try await service.expectRefused(405, "method_not_allowed") {
            let answer = try await service.send(method, path, json: "{\(Self.event)}")
            #expect(answer.headers["allow"] == "POST")
            return answer
        }
    }
}
