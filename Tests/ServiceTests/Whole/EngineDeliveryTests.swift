import Engines
import Foundation
import LibPQ
import Testing

/// One delivery of `engine-cases.json`, which is made for the engines' tests: the engine calls us.
struct EngineDelivery: Decodable, Sendable, CustomTestStringConvertible {
    struct Request: Decodable, Sendable {
        var headers: [String: String]
        /// Sent byte for byte.
        var body: String
    }

    struct Response: Decodable, Sendable {
        var status: Int
    }

    struct Expectation: Decodable, Sendable {
        var hmacKey: String?
        /// The status that it tells of the session `agent-7`.
        var status: String?
    }

    var id: String
    var request: Request
    var response: Response
    var expect: Expectation

    var testDescription: String { id }

    /// Whether it may be news of a session.
    var wakes: Bool { response.status == 200 && expect.status != nil }

    /// All that WAHA makes.
    static func all() throws -> [EngineDelivery] {
        struct Entry: Decodable {
            var delivery: EngineDelivery?

            init(from decoder: any Decoder) throws {
                struct Head: Decodable { var engine, operation: String }
                let head = try Head(from: decoder)
                if head.engine == "waha", head.operation == "delivery" { delivery = try EngineDelivery(from: decoder) }
            }
        }
        let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let file = try Data(contentsOf: tests.appending(path: "EnginesTests/engine-cases.json"))
        return try JSONDecoder().decode([Entry].self, from: file).compactMap(\.delivery)
    }
}

/// WAHA's deliveries as its documents and cases have them, through the real route.
@Suite("engine-cases.json, WAHA's deliveries", .timeLimit(.minutes(2)))
struct EngineDeliveryTests {
    /// Calls the service as the engine does.
    private func deliver(_ delivery: EngineDelivery, to service: RunningService) async throws {
        let answer = try await service.send(
            "POST",
            "/v1/engines/main/events",
            key: nil,
            json: delivery.request.body,
            headers: delivery.request.headers
        )
        #expect(answer.status == delivery.response.status, "\(delivery.id)")
    }

    @Test
    func `all are answered as the cases say, and only a genuine one about a session of ours wakes a look, once`()
        async throws
    {
        let deliveries = try EngineDelivery.all()
        try #require(deliveries.count == 5)
        let hints = HintCounts()
        try await hints.count {
            try await withRunningService {
                $0.engineKind = .waha
                $0.webhookSecret = "my-secret-key"
                $0.sweep = ServiceSetup.noLooks
            } _: { service in
                try await service.engine.put(["agent-7"], "STOPPED")
                let added = try await service.send(
                    "PUT",
                    "/v1/agents/seven",
                    json: #"{"team":"t","instance":{"engine":"main","instance_id":"agent-7"}}"#
                )
                #expect(added.status == 201)
                try await service.until("seven") { $0.condition == "converged" }
                // Those that wake nobody come first: a look that they led to would be counted with the first that does.
                let quiet = deliveries.filter { !$0.wakes }
                try #require(!quiet.isEmpty && quiet.count < deliveries.count)
                for delivery in quiet { try await deliver(delivery, to: service) }
                var before = try await service.engine.calls().count
                var delays: [Duration] = []
                for delivery in deliveries.filter(\.wakes) {
                    let lookedAt = try await service.lookedAt()
                    let began = ContinuousClock.now
                    try await deliver(delivery, to: service)
                    try await service.until { try await service.lookedAt() > lookedAt }
                    delays.append(ContinuousClock.now - began)
                    // One look is over before the next may begin.
                    try await service.until("seven") { $0.condition == "converged" }
                    // What it says was not read, and is no news a second time all the same.
                    try await deliver(delivery, to: service)
                    try await service.until { hints.all == ["look": delays.count, "duplicate": delays.count] }
                    let calls = try await service.engine.calls(since: before)
                    #expect(calls.map(\.operation) == ["info"], "\(delivery.id)")
                    before += calls.count
                }
                // Sweeps are an hour apart here.
                try #require(delays.count == 3)
                print("a delivery of WAHA's leads to a look that is stored after \(delays)")
                #expect(TwoOfThree(delays.map { $0 < .seconds(1) }).holds, "\(delays)")
                // The words of a delivery decide nothing: the session is as its own read says.
                let view = try await service.until("seven") { $0.condition == "converged" }
                #expect(view.observed == "STOPPED")
                #expect(try await service.engine.commands().isEmpty)
            }
        }
    }
}

extension RunningService {
    /// When the newest look was made whose finding is stored, in microseconds.
    func lookedAt() async throws -> Int64 {
        try await count(
            """
            SELECT (extract(epoch FROM max(greatest(o.read_at, l.looked_at))) * 1000000)::bigint AS count
            FROM observed_states o
            LEFT JOIN looks l ON l.instance = o.instance
            """
        )
    }
}
