import LibPQ
import Testing

/// Bodies that are too large or never end, ids that contradict, and arrays with something bad in them.
@Suite("Bad deliveries", .serving, .serialized, .timeLimit(.minutes(3)))
struct BadDeliveryTests {
    private static let head = """
        POST /v1/clock-events HTTP/1.1\r
        Host: localhost\r
        Authorization: Bearer \(Installation.adminKey)\r
        Content-Type: application/json\r

        """

    private static func items(_ count: Int, _ prefix: String) -> [String] {
        (0..<count).map { #"{"event_id":"\#(prefix)-\#($0)","agent_id":"\#(prefix)","kind":"clock_in"}"# }
    }

    @Test
    func `a body of 10 MB is refused, announced or in chunks`() async throws {
        let service = try Served.shared()
        let padding = String(repeating: "x", count: 10_000_000)
        let body = #"{"agent_id":"large","kind":"clock_in","x":"\#(padding)"}"#
        try await service.expectRefused(413, "body_too_large") { try await service.post(body) }
        try await service.expectRefused(413, "body_too_large") {
            try await service.clock("clock-in", "large", json: body)
        }
        let chunk = String(repeating: " ", count: 0x10000)
        let chunks = String(repeating: "10000\r\n\(chunk)\r\n", count: 160)
        try await service.expectRefused(413, "body_too_large") {
            let text = Self.head + "Transfer-Encoding: chunked\r\n\r\n" + chunks + "0\r\n\r\n"
            return try await service.http.sendRaw(Array(text.utf8))
        }
    }

    @Test
    func `a body of 1 MiB is taken`() async throws {
        let service = try Served.shared()
        let frame = #"{"agent_id":"fits","kind":"clock_in","x":""}"#
        let padding = String(repeating: "x", count: 1_048_576 - frame.utf8.count)
        let answer = try await service.post(#"{"agent_id":"fits","kind":"clock_in","x":"\#(padding)"}"#)
        #expect(answer.status == 202, "\(answer.text)")
        try await service.expectRefused(413, "body_too_large") {
            try await service.post(#"{"agent_id":"fits","kind":"clock_in","x":"\#(padding)x"}"#)
        }
    }

    @Test
    func `a body that never ends is answered after a while, and its connection closed`() async throws {
        let service = try Served.shared()
        let text = Self.head + "Content-Length: 100\r\n\r\n{\"agent_id\":\"slow\",\"ki"
        try await service.expectRefused(408, "body_timeout") {
            let answer = try await service.http.sendRaw(Array(text.utf8))
            #expect(answer.headers["connection"] == "close")
            return answer
        }
    }

    @Test
    func `two different ids for one event are refused, two equal ones are not`() async throws {
        let service = try Served.shared()
        let body = #"{"event_id":"one","agent_id":"ids","kind":"clock_in"}"#
        for header in ["two", "\"two\""] {
            try await service.expectRefused(400, "conflicting_ids") {
                try await service.post(body, headers: ["Idempotency-Key": header])
            }
        }
        try await service.expectRefused(400, "conflicting_ids") {
            try await service.send(
                "POST",
                "/v1/agents/ids/clock-in",
                json: #"{"event_id":"one"}"#,
                headers: ["Idempotency-Key": "two"]
            )
        }
        #expect(try await service.post(body, headers: ["Idempotency-Key": "one"]).status == 202)
        #expect(try await service.post(body, headers: ["Idempotency-Key": "\"one\""]).status == 200)
    }

    @Test(
        arguments: [
            #""agent_id":"other","kind":"clock_in","occurred_at":"2026-03-02T08:00:00Z""#,
            #""agent_id":"same","kind":"clock_out","occurred_at":"2026-03-02T08:00:00Z""#,
            #""agent_id":"same","kind":"clock_in","occurred_at":"2026-03-02T08:00:01Z""#,
        ]
    )
    func `the same id with other content is refused`(content: String) async throws {
        let service = try Served.shared()
        let first = #"{"event_id":"same-1","agent_id":"same","kind":"clock_in","occurred_at":"2026-03-02T08:00:00Z"}"#
        #expect([200, 202].contains(try await service.post(first).status))
        try await service.expectRefused(422, "idempotency_conflict") {
            try await service.post(#"{"event_id":"same-1",\#(content)}"#)
        }
        try await service.expectRefused(422, "idempotency_conflict") {
            try await service.post("{\(content)}", headers: ["Idempotency-Key": "same-1"])
        }
        #expect(try await service.post(first).status == 200)
    }

    @Test(arguments: [0, 500, 999])
    func `one bad item among 1,000 spoils no other`(place: Int) async throws {
        let service = try Served.shared()
        let prefix = "many-\(place)"
        var items = Self.items(1000, prefix)
        items[place] = #"{"event_id":"\#(prefix)-bad","agent_id":"\#(prefix)","kind":"lunch"}"#
        let before = try await service.installation.ledgerCount()
        let answer = try await service.post("[\(items.joined(separator: ","))]")
        #expect(answer.status == 207)
        let results = try answer.decoded(ItemsView.self).results
        try #require(results.count == 1000)
        #expect(results[place].status == 422)
        #expect(results[place].code == "invalid_field")
        #expect(results[place].field == "kind")
        for (index, result) in results.enumerated() where index != place {
            #expect(result.eventId == "\(prefix)-\(index)")
            #expect(result.sequence != nil)
        }
        #expect(try await service.installation.ledgerCount() == before + 999)
    }

    @Test
    func `each kind of bad item has its own problem`() async throws {
        let service = try Served.shared()
        let good = #"{"event_id":"mixed-1","agent_id":"mixed","kind":"clock_in","occurred_at":"2026-03-02T08:00:00Z"}"#
        let items = [
            good, "5", "[]", #"{"kind":"clock_in"}"#, #"{"agent_id":"mixed","kind":"clock_in","occurred_at":"x"}"#,
            #"{"event_id":"mixed-1","agent_id":"mixed","kind":"clock_out","occurred_at":"2026-03-02T08:00:00Z"}"#, good,
        ]
        let answer = try await service.post("[\(items.joined(separator: ","))]")
        #expect(answer.status == 207)
        let results = try answer.decoded(ItemsView.self).results
        #expect(
            results.map(\.code) == [
                nil, "malformed_json", "malformed_json", "invalid_field", "invalid_field", "idempotency_conflict", nil,
            ]
        )
        #expect(results.map(\.status) == [nil, 400, 400, 422, 422, 422, nil])
        #expect(results.map(\.replayed) == [false, nil, nil, nil, nil, nil, true])
        #expect(
            try await service.installation.count(
                "SELECT count(*) AS count FROM clock_events WHERE external_id = 'mixed'"
            ) == 1
        )
    }

    @Test
    func `1,001 items are refused whole`() async throws {
        let service = try Served.shared()
        let items = Self.items(1001, "too-many")
        try await service.expectRefused(413, "too_many_items") {
            try await service.post("[\(items.joined(separator: ","))]")
        }
        try await service.expectRefused(413, "too_many_items") {
            try await service.post(items.joined(separator: "\n"), headers: ["Content-Type": "application/x-ndjson"])
        }
    }

    @Test
    func `1,000 good items are taken, and an empty array too`() async throws {
        let service = try Served.shared()
        let answer = try await service.post("[\(Self.items(1000, "all-good").joined(separator: ","))]")
        #expect(answer.status == 202)
        #expect(try answer.decoded(ItemsView.self).results.allSatisfy { $0.sequence != nil })
        let empty = try await service.post("[]")
        #expect(empty.status == 202)
        #expect(try empty.decoded(ItemsView.self).results.isEmpty)
    }

    @Test
    func `lines of JSON are taken one by one`() async throws {
        let service = try Served.shared()
        let lines = Self.items(3, "lines")
        let headers = ["Content-Type": "application/x-ndjson"]
        let answer = try await service.post(lines.joined(separator: "\r\n") + "\n\n", headers: headers)
        #expect(answer.status == 202)
        #expect(try answer.decoded(ItemsView.self).results.map(\.eventId) == ["lines-0", "lines-1", "lines-2"])
        let mixed = try await service.post([lines[0], "{", lines[2]].joined(separator: "\n"), headers: headers)
        #expect(mixed.status == 207)
        let results = try mixed.decoded(ItemsView.self).results
        #expect(results.map(\.code) == [nil, "malformed_json", nil])
        #expect(results.map(\.replayed) == [true, nil, true])
    }
}
