import ClockSources
import Domain
import Foundation
import LibPQ
import Service
import Testing

/// The list of what came of a source: its order, who sees what of it, and how much of it is kept.
@Suite("Source list", .timeLimit(.minutes(3)))
struct SourceListTests {
    @Test
    func `pages go on where the last one ended, deliveries and refusals in one order, and by outcome`() async throws {
        try await withRunningService {
            $0.addVendor()
        } _: { service in
            for number in 0..<7 {
                try await service.tell(.init(delivery: "d\(number)"))
                if number % 2 == 0 { try await service.tell(.init(), proof: "bad") }
            }
            try await service.until { try await service.deliveries(of: "vendor", "?limit=100").items.count == 11 }
            let all = try await service.deliveries(of: "vendor", "?limit=100").items.map(\.receivedAt)
            #expect(all == all.sorted(by: >))
            var (cursor, pages) = ("", [[SourceItemView]]())
            repeat {
                let page = try await service.deliveries(of: "vendor", "?limit=3\(cursor)")
                pages.append(page.items)
                cursor = page.nextCursor.map { "&cursor=\($0)" } ?? ""
            } while !cursor.isEmpty && pages.count < 9
            #expect(pages.map(\.count) == [3, 3, 3, 2])
            #expect(pages.flatMap { $0 }.map(\.receivedAt) == all)
            #expect(try await service.deliveries(of: "vendor", "?outcome=refused").items.count == 4)
            #expect(try await service.deliveries(of: "vendor", "?outcome=ignored&limit=3").nextCursor != nil)
            #expect(try await service.deliveries(of: "vendor", "?outcome=accepted").items.isEmpty)
            for (query, code) in [("?outcome=fine", 422), ("?cursor=x", 422), ("?limit=101", 422)] {
                #expect(try await service.send("GET", "/v1/sources/vendor/deliveries\(query)").status == code)
            }
            #expect(try await service.send("GET", "/v1/sources/nobody/deliveries").status == 404)
            #expect(try await service.send("GET", "/v1/sources/a%00b").status == 404)
        }
    }

    @Test
    func `raw bodies are shown to who may manage, without numbers and secrets, and never more than a part`()
        async throws
    {
        try await withRunningService {
            $0.addVendor()
        } _: { service in
            let path = "/v1/sources/vendor/events"
            for body in [
                #"{"punches":[],"phone":"+491701234567","token":"hidden-word-1","id":1772438400}"#,
                #"{"punches":[],"padding":"\#(String(repeating: "é", count: 9_000))"}"#,
            ] {
                try await service.send("POST", path, key: nil, headers: ["X-Proof": "good"], body: body)
            }
            let keys = try await ["view", "manage"].asyncMap { role in
                let made = try await service.send("POST", "/v1/keys", json: #"{"name":"k","role":"\#(role)"}"#)
                return try #require(try made.json()["key"] as? String)
            }
            let list = "/v1/sources/vendor/deliveries"
            try await service.until { try await service.send("GET", list, key: keys[1]).status == 200 }
            let managed = try await service.send("GET", list, key: keys[1])
            let items = try managed.decoded(as: SourceItemsView.self).items
            #expect(items[1].body?.contains(#""phone":"[redacted]""#) ?? false, "\(managed.text)")
            #expect(items[1].body?.contains(#""id":1772438400"#) ?? false)
            #expect(!managed.text.contains("hidden-word") && !managed.text.contains("1701234567"))
            #expect(items[0].bodyTruncated == true && items[0].size ?? 0 > 18_000)
            #expect(items[0].body?.utf8.count ?? 0 <= 8_192 && items[0].body?.utf8.count ?? 0 > 8_000)
            let viewed = try await service.send("GET", list, key: keys[0])
            #expect(try viewed.decoded(as: SourceItemsView.self).items.allSatisfy { $0.body == nil && $0.size != nil })
        }
    }

    @Test
    func `a body that is no text is shown as far as it is, without numbers and secrets`() async throws {
        try await withRunningService {
            $0.addVendor()
        } _: { service in
            let numbers = #""phone":"+491701234567","mobile":"01701234567""#
            let text = #"{"note":"caf?",\#(numbers),"token":"hidden-word-1","id":17}"#
            let latin: [UInt8] = text.utf8.map { $0 == UInt8(ascii: "?") ? 0xE9 : $0 }
            let wide: [UInt8] = [0xFF, 0xFE] + text.utf8.flatMap { [$0, 0] as [UInt8] }
            for (name, body) in [("latin", latin), ("wide", wide)] {
                let insertion: PQStatement = """
                    INSERT INTO deliveries (source_id, received_at, delivery_id, headers, body, reading)
                    SELECT source_id, now(), \(name), '{}', \(body), 'unusable' FROM clock_sources WHERE name = 'vendor'
                    """
                _ = try await service.owner.query(insertion)
            }
            try await service.tell(.init(delivery: "text"))
            // While the first partition is made a read may see its rows neither where they were nor where they are to be.
            try await service.until { try await service.deliveries(of: "vendor").items.count == 3 }
            let answer = try await service.send("GET", "/v1/sources/vendor/deliveries")
            let items = try answer.decoded(as: SourceItemsView.self).items
            #expect(items.map(\.deliveryId) == ["text", "wide", "latin"])
            #expect(items.map(\.bodyEncoding) == ["text", "text", "text"])
            #expect(items.map(\.bodyLossy) == [false, true, true])
            #expect(items[2].body?.contains("caf\u{FFFD}") ?? false, "\(answer.text)")
            for item in items.dropFirst() {
                #expect(item.body?.contains(#""phone":"[redacted]","mobile":"[redacted]""#) ?? false, "\(answer.text)")
                #expect(item.body?.contains(#""id":17"#) ?? false, "\(answer.text)")
            }
            #expect(!answer.text.contains("hidden-word") && !answer.text.contains("701234567"))
        }
    }

    @Test
    func `to a key that is bound to teams there are no sources`() async throws {
        try await withRunningService {
            $0.addVendor()
        } _: { service in
            let made = try await service.send(
                "POST",
                "/v1/keys",
                json: #"{"name":"k","role":"manage","teams":["red"]}"#
            )
            let key = try #require(try made.json()["key"] as? String)
            try await service.until { try await service.send("GET", "/v1/sources", key: key).status == 200 }
            #expect(try await service.send("GET", "/v1/sources", key: key).items().isEmpty)
            for path in ["/v1/sources/vendor", "/v1/sources/vendor/deliveries"] {
                #expect(try await service.send("GET", path, key: key).status == 404)
            }
            #expect(try await service.send("POST", "/v1/sources/vendor/verify", key: key).status == 404)
        }
    }

    @Test
    func `refusals are trimmed to the newest, and counts that are too old go`() async throws {
        try await withRunningService {
            $0.addVendor()
        } _: { service in
            _ = try await service.owner.query(
                """
                INSERT INTO source_refusals (source_id, refused_at, reason, detail)
                SELECT source_id, now() - make_interval(secs => n), 'bad_proof', n::text
                FROM clock_sources CROSS JOIN generate_series(1, 500) n WHERE name = 'vendor'
                """
            )
            try await service.tell(.init(), proof: "bad")
            try await service.until {
                try await service.count(
                    "SELECT count(*) AS count FROM source_refusals WHERE detail::text !~ '^[0-9]+$'"
                ) == 1
            }
            let kept = try await service.count("SELECT count(*) AS count FROM source_refusals")
            #expect((150...200).contains(kept), "\(kept)")
            #expect(try await service.count("SELECT count(*) AS count FROM source_refusals WHERE detail = '1'") == 1)
            #expect(try await service.count("SELECT count(*) AS count FROM source_refusals WHERE detail = '499'") == 0)
        }
    }

    @Test
    func `what the last release wrote and reads is as it was`() async throws {
        try await withRunningService {
            $0.addVendor()
        } _: { service in
            _ = try await service.owner.query(
                """
                INSERT INTO deliveries (source_id, received_at, delivery_id, headers, body, reading)
                SELECT source_id, now(), 'old', '{}', '', '2 punches' FROM clock_sources WHERE name = 'vendor'
                """
            )
            // While the first partitions are made, what lay there is put apart for a moment.
            try await service.until { try await !service.deliveries().items.isEmpty }
            let item = try #require(try await service.deliveries().items.first)
            #expect(item.outcome == "accepted" && item.events?.isEmpty ?? false && item.eventCount == 0)
            // Its own statements over incidents: a source's must neither be missing its account nor be taken for one.
            _ = try await service.owner.query(
                """
                INSERT INTO incidents (account, source_id, kind)
                SELECT -source_id, source_id, 'source_silent' FROM clock_sources WHERE name = 'vendor'
                """
            )
            #expect(try await service.count("SELECT count(*) AS count FROM incidents WHERE account IS NULL") == 0)
            let joined = "SELECT count(*) AS count FROM incidents i JOIN engine_accounts e ON e.account = i.account"
            #expect(try await service.count(PQStatement(stringLiteral: joined)) == 0)
        }
    }
}

extension Array {
    /// One after the other.
    fileprivate func asyncMap<Value>(_ body: (Element) async throws -> Value) async rethrows -> [Value] {
        var values: [Value] = []
        for element in self { values.append(try await body(element)) }
        return values
    }
}
