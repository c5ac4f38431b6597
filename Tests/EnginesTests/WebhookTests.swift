import Crypto
import Domain
import EngineSimulator
import Engines
import NIOHTTP1
import Testing

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
            let code = HMAC<SHA512>.authenticationCode(
                for: Array(last.text.utf8),
                using: SymmetricKey(data: Array("my-secret-key".utf8))
            )
            #expect(
                last.headers["x-webhook-hmac"]
                    == code.map { String(($0 >> 4), radix: 16) + String($0 & 15, radix: 16) }.joined()
            )
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
}
