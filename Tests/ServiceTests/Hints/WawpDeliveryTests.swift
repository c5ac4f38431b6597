import Crypto
import Domain
import EngineSimulator
import Foundation
import LibPQ
import Testing

@testable import Service

/// Wawp's deliveries as the cases have them, and what they bring, through the real route.
@Suite("engine-cases.json, Wawp's deliveries", .timeLimit(.minutes(2)))
struct WawpDeliveryTests {
    private static let secret = "hook-secret-0123456789"

    /// A delivery of the cases: its body byte for byte, and the status it is answered with.
    private static func deliveries() throws -> [String: (body: String, status: Int)] {
        let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let file = try Data(contentsOf: tests.appending(path: "EnginesTests/engine-cases.json"))
        let cases = try #require(try JSONSerialization.jsonObject(with: file) as? [[String: Any]])
        var found: [String: (body: String, status: Int)] = [:]
        for item in cases where item["engine"] as? String == "wawp" && item["operation"] as? String == "delivery" {
            let id = try #require(item["id"] as? String)
            let body = try #require((item["request"] as? [String: Any])?["body"])
            let text: String
            if let raw = body as? String {
                text = raw
            } else {
                text = String(decoding: try JSONSerialization.data(withJSONObject: body), as: UTF8.self)
            }
            let status = try #require((item["response"] as? [String: Any])?["status"] as? Int)
            found[id] = (text, status)
        }
        return found
    }

    private func deliver(_ body: String, to service: RunningService, secret: String = secret) async throws -> Int {
        try await service.send("POST", "/v1/engines/main/events?secret=\(secret)", key: nil, json: body).status
    }

    /// What comes of the deliveries, in this order; `nil` for those that are no hint.
    private static let effects: [(name: String, effect: String?)] = [
        ("malformed", nil), ("bad_secret", nil), ("other_event", nil), ("unknown_session", "unknown_session"),
        ("status_stopped", "look"), ("duplicate", "duplicate"), ("out_of_order", "late"), ("status_flat", "late"),
        ("qr_repeat", "look"),
    ]

    /// What the last read found, told before all that the cases tell.
    private static let known = """
        {"id":"evt_0","timestamp":1722170398000,"session":"wawp-84729105","event":"session.status",
        "payload":{"name":"wawp-84729105","status":"WORKING"}}
        """

    /// Makes the session of the cases, or changes it.
    private func put(_ status: String, _ service: RunningService) async throws {
        try await service.engine.admin(
            "PUT",
            "sessions",
            #"{"sessions":[{"instance_id":"3EB0BCB2E3D4","session_name":"wawp-84729105","status":"\#(status)"}]}"#
        )
    }

    /// Has an agent on shift whose session is that of the cases, and works as they say it did.
    private func begin(_ service: RunningService) async throws {
        try await put("STOPPED", service)
        let added = try await service.send(
            "PUT",
            "/v1/agents/ana",
            json: """
                {"team":"t","instance":{"engine":"main","instance_id":"3EB0BCB2E3D4","session_name":"wawp-84729105"}}
                """
        )
        #expect(added.status == 201)
        #expect(try await service.clock("clock-in", "ana", wait: 30).status == 200)
        try await service.until("ana") { $0.observed == "WORKING" && $0.condition == "converged" }
    }

    @Test
    func `all are answered as the cases say, and wake a look only where they may be news`() async throws {
        let deliveries = try Self.deliveries()
        try #require(deliveries.count == 9)
        let hints = HintCounts()
        try await hints.count {
            try await withRunningService {
                $0.webhookSecret = Self.secret
                $0.sweep = ServiceSetup.noLooks
            } _: { service in
                try await begin(service)
                var expected = ["known": 1]
                #expect(try await deliver(Self.known, to: service) == 200)
                try await service.until { hints.all == expected }
                try await put("STOPPED", service)
                for (name, effect) in Self.effects {
                    let delivery = try #require(deliveries["wawp.delivery." + name])
                    let secret = name == "bad_secret" ? "another-secret" : Self.secret
                    let before = try await service.engine.calls().count
                    let lookedAt = try await service.lookedAt()
                    #expect(try await deliver(delivery.body, to: service, secret: secret) == delivery.status, "\(name)")
                    guard let effect else { continue }
                    expected[effect, default: 0] += 1
                    try await service.until { hints.all == expected }
                    guard effect == "look" || effect == "late" else { continue }
                    // One look is over before the next may begin.
                    try await service.until { try await service.lookedAt() > lookedAt }
                    if name == "status_stopped" {
                        try await service.until { try await service.engine.commands(since: before) == ["start"] }
                    }
                    try await service.until("ana") { $0.observed == "WORKING" && $0.condition == "converged" }
                    guard name != "status_stopped" else { continue }
                    #expect(try await service.engine.calls(since: before).map(\.operation) == ["info"], "\(name)")
                }
                // Those that were no hints were none later either, and what a hint says decides nothing.
                #expect(hints.all == expected)
                #expect(try await service.engine.commands() == ["start", "start"])
                let agents = try await service.owner.query("SELECT count(*) AS count FROM agents")
                #expect(try agents[0].column("count", as: Int64.self) == 1, "no mapping comes of a webhook")
            }
        }
    }

    /// Has the engine tell a service of every change.
    private func tell(_ service: RunningService, at port: Int, form: String = "both") async throws {
        try await service.engine.admin(
            "PUT",
            "webhooks",
            """
            {"urls":["http://127.0.0.1:\(port)/v1/engines/main/events?secret=\(Self.secret)"],"form":"\(form)",
            "duplicate_every":2,"disorder_ms":40}
            """
        )
    }

    @Test
    func `with webhooks a change is seen at once, doubled and shuffled as they come, and no command is added`()
        async throws
    {
        try await withRunningService {
            $0.webhookSecret = Self.secret
            $0.sweep = ServiceSetup.noLooks
        } _: { service in
            try await tell(service, at: service.port)
            try await service.add("ana")
            #expect(try await service.clock("clock-in", "ana", wait: 30).status == 200)
            var delays: [Duration] = []
            var turns: TwoOfThree
            repeat {
                let before = try await service.engine.calls().count
                let seen = try await service.count(Self.stopsSeen)
                let began = ContinuousClock.now
                try await service.engine.put(["i-ana"], "STOPPED")
                // Sweeps are an hour apart here.
                try await service.until { try await service.count(Self.stopsSeen) == seen + 1 }
                delays.append(ContinuousClock.now - began)
                try await service.until {
                    try await service.engine.calls(since: before).contains { $0.operation == "start" }
                }
                try await service.until("ana") { $0.observed == "WORKING" && $0.condition == "converged" }
                let commands = try await service.engine.calls(since: before).filter(\.isMutating)
                #expect(commands.map(\.operation) == ["start"], "\(commands)")
                turns = TwoOfThree(delays.map { $0 < .seconds(1) })
            } while !turns.isDecided
            print("with webhooks a change is seen after \(delays)")
            #expect(turns.holds, "\(delays)")
        }
    }

    /// How often a session was read to be STOPPED that was not before, as it is stored.
    private static let stopsSeen: PQStatement =
        "SELECT count(*) AS count FROM session_changes WHERE reading = 'STOPPED'"

    @Test
    func `the secret or a signature proves a webhook, whatever the other says`() async throws {
        try await withRunningService {
            $0.webhookSecret = Self.secret
            $0.sweep = ServiceSetup.noLooks
        } _: { service in
            try await service.add("ana")
            try await service.until("ana") { $0.condition == "converged" }
            let body = #"{"session":"s-i-ana","payload":{"status":"WORKING"}}"#
            let key = SymmetricKey(data: Array(Self.secret.utf8))
            let signature = HMAC<SHA256>.authenticationCode(for: Array(body.utf8), using: key)
                .map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            let foreign = String(repeating: "00", count: 32)
            let deliveries: [(query: String, signature: String?, status: Int)] = [
                ("?secret=\(Self.secret)", nil, 200), ("?secret=\(Self.secret)", foreign, 200),
                ("?secret=\(Self.secret)", "t=1,v1=c2lnbmF0dXJl", 200), ("", signature, 200),
                ("?secret=another", signature, 200), ("?secret=another", foreign, 401), ("", foreign, 401),
                ("", "", 401),
            ]
            for delivery in deliveries {
                let answer = try await service.send(
                    "POST",
                    "/v1/engines/main/events\(delivery.query)",
                    key: nil,
                    json: body,
                    headers: delivery.signature.map { ["X-Webhook-Signature": $0] } ?? [:]
                )
                #expect(answer.status == delivery.status, "\(delivery)")
            }
        }
    }

    @Test
    func `a webhook at a replica that does not act reaches the one that does`() async throws {
        try await withRunningService {
            $0.webhookSecret = Self.secret
            $0.sweep = ServiceSetup.noLooks
        } _: { first in
            try await first.add("ana")
            #expect(try await first.clock("clock-in", "ana", wait: 30).status == 200)
            let url = first.databaseURL
            try await withRunningService(on: first.engine) {
                $0.databaseURL = url
                $0.webhookSecret = Self.secret
                $0.sweep = ServiceSetup.noLooks
            } _: { second in
                try await tell(second, at: second.port)
                try await know(of: 2, first)
                let before = try await first.engine.calls().count
                try await first.engine.put(["i-ana"], "STOPPED")
                try await first.until {
                    try await first.engine.calls(since: before).contains { $0.operation == "start" }
                }
                try await first.until("ana") { $0.observed == "WORKING" && $0.condition == "converged" }
                #expect(try await first.engine.calls(since: before).filter(\.isMutating).count == 1)
            }
        }
    }

    /// Waits until replicas know of each other: until each has beaten again after a heartbeat that all were there for.
    ///
    /// Before, a replica tells others of nothing, since for all it knows there are none.
    private func know(of replicas: Int64, _ service: RunningService) async throws {
        for _ in 0..<2 {
            let from = try await service.count(
                "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS count"
            )
            try await service.until {
                try await service.count(
                    """
                    SELECT count(*) AS count
                    FROM replicas
                    WHERE seen_at > to_timestamp((\(from)::bigint / 1000000.0)::float8)
                    """
                ) == replicas
            }
        }
    }

    @Test
    func `sessions are found by name without a walk over all of them`() async throws {
        try await withMigratedDatabase { pool, _ in
            _ = try await pool.pipeline([
                "INSERT INTO engine_accounts (name) VALUES ('main')",
                """
                INSERT INTO instances (account, instance_id, session_name)
                SELECT account, 'i-' || n, 's-' || n FROM engine_accounts, generate_series(1, 20000) AS n
                """,
                "ANALYZE instances",
            ])
            let hints = (1...20).map { (account: "main", hint: SessionHint(session: "s-\($0)")) }
            let found = try await pool.query(HintDesk.lookUp(hints))
            #expect(found.count == 20)
            let text = try await pool.withConnection { connection in
                try await connection.plan(of: HintDesk.lookUp(hints)).joined(separator: "\n")
            }
            #expect(text.contains("instances_of_name") && text.contains("instances_session_key"), "\(text)")
            #expect(!text.contains("Seq Scan on instances"), "\(text)")
        }
    }
}
