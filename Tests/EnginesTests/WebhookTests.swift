import Crypto
import Domain
import Engines
import NIOHTTP1
import Testing

@testable import EngineSimulator

/// `session.status` events, as a receiver sees them.
@Suite("Simulated webhooks", .serialized)
struct WebhookTests {
    /// A simulator that sends to a receiver, its session WORKING.
    private func withHook(
        _ settings: String = "",
        query: String = "",
        failing: Int = 0,
        _ body: @escaping @Sendable (Simulator, WebhookReceiver) async throws -> Void
    ) async throws {
        try await WebhookReceiver.run(failing: failing) { receiver in
            try await withSimulator { simulator in
                try await simulator.put("WORKING")
                let url = receiver.url + query
                try await simulator.admin(.PUT, "webhooks", #"{"urls":["\#(url)"],"retry_ms":1\#(settings)}"#)
                try await body(simulator, receiver)
            }
        }
    }

    /// WAHA's signature of a body.
    private func sha512(_ text: String, key: String) -> String {
        let code = HMAC<SHA512>.authenticationCode(
            for: Array(text.utf8),
            using: SymmetricKey(data: Array(key.utf8))
        )
        return code.map { String(($0 >> 4), radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    /// Names a receiver in WAHA's configuration of the session, which runs, and so is stopped and started.
    private func configure(_ simulator: Simulator, _ url: String, _ members: String = "") async throws {
        let body = #"{"config":{"webhooks":[{"url":"\#(url)","events":["session.status"]\#(members)}]}}"#
        let path = "/api/sessions/\(Simulator.instance)"
        let reply = try await simulator.raw(.PUT, path, headers: ["X-Api-Key": "waha-key"], body: body)
        #expect(reply.status == 200)
    }

    @Test func `a restart tells STOPPED, STARTING and WORKING in this order`() async throws {
        try await withHook(query: "?secret=s3cret") { simulator, receiver in
            let engine = try simulator.engine()
            _ = await engine.send(.restart, to: Simulator.session)
            try await simulator.advance(.seconds(5))
            let seen = await receiver.take(3)
            #expect(seen.map(\.word) == ["STOPPED", "STARTING", "WORKING"])
            #expect(seen.allSatisfy { $0.target == "/hook?secret=s3cret" && $0.signature == nil })
            #expect(Set(seen.compactMap { $0.body["id"]?.text }).count == 3)
            #expect(seen[2].body["timestamp"] == .number(1_800_000_005_000))
        }
    }

    @Test func `the current form is the documented envelope`() async throws {
        try await withHook { simulator, receiver in
            _ = try await simulator.engine().send(.stop, to: Simulator.session)
            let text = await receiver.take(1)[0].text
            let known = #"""
                {"id":"evt_01j00000000000000000000001","timestamp":1800000000000,"session":"wawp-84729105","metadata":{},\#
                "engine":"NOWEB","event":"session.status","payload":{"name":"wawp-84729105","status":"STOPPED"},\#
                "me":{"id":"201012345678@c.us","lid":"123123@lid","pushName":"John Doe"}}
                """#
            #expect(text == known)
        }
    }

    @Test func `the older form names the instance, seconds and the QR`() async throws {
        try await withHook(#","form":"older""#) { simulator, receiver in
            try await simulator.fault("needs_qr")
            let body = await receiver.take(1)[0].body
            #expect(
                body
                    == .object([
                        "instance_id": .string(Simulator.instance), "status": .string("SCAN_QR_CODE"),
                        "qr": .string("data:image/png;base64,iVBORw0KGgo="), "ts": .number(1_800_000_000),
                    ])
            )
        }
    }

    @Test func `WAHA's form has the last three statuses and is signed with SHA-512 over its bytes`() async throws {
        try await withHook(#","form":"waha","secret":"my-secret-key""#) { simulator, receiver in
            _ = try await simulator.wahaEngine().send(.restart, to: Simulator.session)
            try await simulator.advance(.seconds(5))
            let seen = await receiver.take(3)
            #expect(seen.map(\.word) == ["STOPPED", "STARTING", "WORKING"])
            let last = seen[2]
            #expect(
                last.body["session"] == .string(Simulator.instance) && last.body["event"] == .string("session.status")
            )
            #expect(last.body["me"]?["pushName"] == .string("WAHA") && seen[0].body["me"] == .null)
            let statuses = last.body["payload"]?["statuses"]?.elements
            #expect(statuses?.compactMap { $0["status"]?.text } == ["STOPPED", "STARTING", "WORKING"])
            #expect(statuses?.last?["timestamp"] == .number(1_800_000_005_000))
            #expect(last.headers["x-webhook-hmac"] == sha512(last.text, key: "my-secret-key"))
            #expect(last.headers["x-webhook-hmac-algorithm"] == "sha512" && last.signature == nil)
            #expect(Set(seen.compactMap { $0.headers["x-webhook-request-id"] }).count == 3)
            #expect(last.headers["x-webhook-timestamp"].flatMap { Int64($0) } != nil)
        }
    }

    @Test func `SCAN_QR_CODE comes again with every new QR, as an event of its own`() async throws {
        try await withHook { simulator, receiver in
            try await simulator.fault("needs_qr")
            try await simulator.advance(.seconds(60))
            let seen = await receiver.take(3)
            #expect(seen.map(\.word) == ["SCAN_QR_CODE", "SCAN_QR_CODE", "SCAN_QR_CODE"])
            #expect(Set(seen.compactMap { $0.body["id"]?.text }).count == 3)
        }
    }

    @Test func `the signature is the HMAC of the body`() async throws {
        // Computed with `openssl dgst -sha256 -hmac my-secret-key` over the body of the envelope test.
        try await withHook(#","secret":"my-secret-key""#) { simulator, receiver in
            _ = try await simulator.engine().send(.stop, to: Simulator.session)
            let seen = await receiver.take(1)[0]
            #expect(seen.signature == "39d6faa3e2543f5f1d06f3b79c6b011063ef673f56ff50a2a7cb995141a02e4e")
        }
    }

    @Test func `an event that is not taken comes again`() async throws {
        try await withHook(failing: 2) { simulator, receiver in
            _ = try await simulator.engine().send(.stop, to: Simulator.session)
            let seen = await receiver.take(3)
            #expect(Set(seen.map(\.text)).count == 1)
        }
    }

    @Test func `events are doubled and lost where the settings say so`() async throws {
        try await withHook(#","duplicate_every":2,"drop_every":3"#) { simulator, receiver in
            let engine = try simulator.engine()
            for _ in 0..<2 { _ = await engine.send(.restart, to: Simulator.session) }
            // Two restarts make four events; the second and fourth come twice, the third is lost.
            let seen = await receiver.take(5)
            #expect(seen.map(\.word) == ["STOPPED", "STARTING", "STARTING", "STARTING", "STARTING"])
        }
    }

    @Test func `a session's own webhook list is served too`() async throws {
        try await withHook { simulator, receiver in
            try await simulator.admin(.PUT, "webhooks", #"{"urls":[]}"#)
            let body =
                #"{"instance_id":"\#(Simulator.instance)","access_token":"tok_valid_0001","webhooks":[{"url":"\#(receiver.url)","events":["session.status"],"is_active":1}]}"#
            #expect(try await simulator.raw(.POST, "/v2/session/webhook", body: body).status == 200)
            _ = try await simulator.engine().send(.stop, to: Simulator.session)
            #expect(await receiver.take(1).map(\.word) == ["STOPPED"])
        }
    }

    @Test func `whom WAHA's configuration names gets WAHA's form, signed and headed as it says, beside all others`()
        async throws
    {
        try await withHook(#","secret":"key-for-all""#) { simulator, receiver in
            let members =
                #","hmac":{"key":"key-of-its-own"},"customHeaders":[{"name":"X-Team","value":"red"},{"name":"X-None"}]"#
            try await configure(simulator, receiver.url, members)
            let seen = await receiver.take(4)
            let own = seen.filter { $0.headers["x-webhook-request-id"] != nil }
            #expect(own.map(\.word) == ["STOPPED", "STARTING"])
            for event in own {
                #expect(event.body["session"] == .string(Simulator.instance))
                #expect(event.body["payload"]?["statuses"]?.elements?.isEmpty == false)
                #expect(event.headers["x-webhook-hmac"] == sha512(event.text, key: "key-of-its-own"))
                #expect(event.headers["x-webhook-hmac-algorithm"] == "sha512" && event.signature == nil)
                #expect(event.headers["x-webhook-timestamp"].flatMap { Int64($0) } != nil)
                #expect(event.headers["x-team"] == "red" && event.headers["x-none"] == nil)
            }
            let common = seen.filter { $0.headers["x-webhook-request-id"] == nil }
            #expect(common.map(\.word) == ["STOPPED", "STARTING"])
            for event in common {
                #expect(event.body["session"] == .string("wawp-84729105"))
                #expect(event.signature != nil && event.headers["x-webhook-hmac"] == nil)
                #expect(event.headers["x-team"] == nil)
            }
        }
    }

    @Test func `without a key in WAHA's configuration nothing is signed, and Wawp's list takes its place again`()
        async throws
    {
        try await withHook(#","secret":"key-for-all""#) { simulator, receiver in
            try await simulator.admin(.PUT, "webhooks", #"{"urls":[]}"#)
            try await configure(simulator, receiver.url, #","hmac":{"key":null}"#)
            for event in await receiver.take(2) {
                #expect(event.headers["x-webhook-request-id"] != nil)
                #expect(event.headers["x-webhook-hmac"] == nil && event.signature == nil)
            }
            let list = #""webhooks":[{"url":"\#(receiver.url)"}]"#
            let body = #"{"instance_id":"\#(Simulator.instance)","access_token":"tok_valid_0001",\#(list)}"#
            #expect(try await simulator.raw(.POST, "/v2/session/webhook", body: body).status == 200)
            _ = try await simulator.engine().send(.stop, to: Simulator.session)
            let last = await receiver.take(1)[0]
            #expect(last.headers["x-webhook-request-id"] == nil && last.signature != nil)
        }
    }

    @Test(arguments: [(5, 4, 5, 1), (1, 1, 2, 2)])
    func `an event is tried as often as WAHA's configuration says`(
        attempts: Int,
        failing: Int,
        deliveries: Int,
        events: Int
    ) async throws {
        try await withHook(failing: failing) { simulator, receiver in
            try await simulator.admin(.PUT, "webhooks", #"{"urls":[]}"#)
            let retries = #"{"policy":"exponential","delaySeconds":0.001,"attempts":\#(attempts)}"#
            try await configure(simulator, receiver.url, #","retries":\#(retries)"#)
            let seen = await receiver.take(deliveries)
            #expect(Set(seen.compactMap { $0.headers["x-webhook-request-id"] }).count == events)
            #expect(Set(seen.map(\.text)).count == events)
        }
    }

    @Test(arguments: [
        (#"{}"#, [2_000, 2_000, 2_000]), (#"{"policy":"constant","delaySeconds":3}"#, [3_000, 3_000, 3_000]),
        (#"{"policy":"linear","delaySeconds":0.5}"#, [500, 1_000, 1_500]),
        (#"{"policy":"exponential","delaySeconds":1,"attempts":3}"#, [1_000, 2_000, 4_000]),
        (#"{"policy":7,"delaySeconds":"1","attempts":null}"#, [2_000, 2_000, 2_000]),
    ])
    func `WAHA's waits between tries stay, or grow by their first or twofold`(retries: String, waits: [Int]) throws {
        let entry = #"{"url":"http://x/","retries":\#(retries)}"#
        let json = RawReply(status: 200, contentType: "", text: entry).json
        let receiver = try #require(EventReceiver(waha: json))
        #expect((1...3).map { receiver.wait(after: $0) } == waits.map { Duration.milliseconds($0) })
        #expect(receiver.attempts == (retries.contains(#""attempts":3"#) ? 3 : 15))
    }
}
