import Domain
import EngineSimulator
import Foundation
import LibPQ
import Service
import TestSupport
import Testing

/// When what people asked for is done, as the service predicts it on the way.
@Suite("Forecast", .timeLimit(.minutes(10)))
struct ForecastTests {
    /// How many clock in: more for a measured run (`ROLLCALL_FORECAST_AGENTS`).
    private static let agents =
        ProcessInfo.processInfo.environment["ROLLCALL_FORECAST_AGENTS"].flatMap { Int($0) } ?? 2000
    /// From so many on a run is a measured one.
    private static let measured = 10_000
    private static let callsPerSecond = 200
    /// How many of them clock in before the others.
    private static let before = 40

    @Test
    func `the predicted end of a burst of clock-ins during a sweep is about the true one, all the way`() async throws {
        try await withRunningService { setup in
            setup.callsPerSecond = Self.callsPerSecond
            setup.sweep = SweepPolicy(onShift: .seconds(5), offShift: .seconds(5))
            setup.engine.speed = 1
            setup.engine.behaviour.autoCreate = true
            setup.engine.behaviour.stopStartGapMs = 3000
            setup.engine.latency = .milliseconds(20)
        } _: { service in
            try await fill(service)
            // A service that has seen how long sessions take, as one has that runs since yesterday.
            try await clockIn(service, 1...Self.before)
            try await service.until(within: .seconds(120)) {
                try await service.count(Self.working) == Int64(Self.before)
            }
            let outcome = try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    // One ordered sweep after another; what becomes of them is other tests' matter.
                    while !Task.isCancelled { _ = try? await service.send("POST", "/v1/engines/main/sweep?wait=20") }
                }
                let began = try await service.now()
                try await clockIn(service, (Self.before + 1)...Self.agents)
                var samples: [Sample] = []
                while try await service.count(Self.open) > 0 {
                    samples.append(try await sample(service))
                    let last = try #require(samples.last)
                    try #require(last.at - began < .seconds(500), "it does not end: \(last)")
                    try await service.pause(0.2)
                }
                group.cancelAll()
                return (samples: samples, from: began, to: try await service.now())
            }
            struct Log: Decodable {
                var total: Int
            }
            let log: Log = try await service.engine.admin("GET", "calls?limit=0").decoded()
            print("\(log.total) calls in all, those of sweeps before it among them")
            try check(outcome.samples, from: outcome.from, to: outcome.to)
            if Self.agents >= Self.measured { try await checkPace(of: log.total, service) }
            try await service.until { try await sample(service).finishesAt == nil }
        }
    }

    /// What the service said at an instant.
    private struct Sample {
        var at: Timestamp
        var asked: Int
        var people: Int
        var finishesAt: Timestamp?
    }

    private func check(_ samples: [Sample], from began: Timestamp, to end: Timestamp) throws {
        let whole = end - began
        #expect(
            whole >= .seconds(Double(2 * (Self.agents - Self.before)) / Double(Self.callsPerSecond) - 2),
            "the budget was kept"
        )
        // While they still come, nobody can say when the last of them is done.
        let allAsked = try #require(samples.first).at
        var errors: [Double] = []
        for share in [0.25, 0.5, 0.75] {
            let instant = allAsked + .seconds((end - allAsked).inSeconds * share)
            let told = try #require(samples.last { $0.at <= instant })
            let finishesAt = try #require(told.finishesAt, "\(told)")
            let error = (finishesAt - end).inSeconds
            print(
                "after \(Int(share * 100)) % of \((end - allAsked).inSeconds) s: \(told.asked) asked, \(told.people) commands wait, "
                    + "the prediction is \(error) s off: \(error / whole.inSeconds * 100) % of the whole, "
                    + "\(error / (end - told.at).inSeconds * 100) % of the rest"
            )
            errors.append(abs(error) / whole.inSeconds)
        }
        // Beside all other tests a machine that is slow for some seconds makes one of them worse.
        let worst = Self.agents >= Self.measured ? 0.1 : 0.25
        #expect(errors.sorted()[1] <= 0.1 && errors.allSatisfy { $0 <= worst }, "\(errors)")
    }

    /// Checks that no more calls than the budget arrived within any second, wherever it begins, by the engine's log.
    ///
    /// `total`: how many calls there are to judge; fewer than the log keeps.
    private func checkPace(of total: Int, _ service: RunningService) async throws {
        var log: [EngineWorld.Call] = []
        while log.count < total { log += try await service.engine.calls(since: log.count) }
        #expect(log.first?.number == 0, "the log keeps all of them")
        let pace = CallPace(
            log.map { call in
                CallPace.Call(
                    instance: call.instanceId,
                    operation: call.operation,
                    receivedAt: call.receivedAtUs,
                    answeredAt: nil
                )
            }
        )
        let most = pace.most(within: CallPace.second)
        print("of \(log.count) calls in all \(most) at most arrived within 1 s; the budget is \(Self.callsPerSecond)")
        #expect(most <= Self.callsPerSecond)
        #expect(most * 10 >= Self.callsPerSecond * 8, "it was used")
    }

    private func sample(_ service: RunningService) async throws -> Sample {
        struct Engines: Decodable {
            struct Engine: Decodable {
                struct Line: Decodable {
                    var people: Int
                }

                var line: Line
                var asked: Int
                var finishesAt: String?
            }

            var items: [Engine]
        }
        let engines: Engines = try await service.send("GET", "/v1/engines").decoded()
        let engine = try #require(engines.items.first)
        return Sample(
            at: try await service.now(),
            asked: engine.asked,
            people: engine.line.people,
            finishesAt: engine.finishesAt.flatMap { Timestamp(rfc3339: $0) }
        )
    }

    private func clockIn(_ service: RunningService, _ agents: ClosedRange<Int>) async throws {
        for start in stride(from: agents.lowerBound, through: agents.upperBound, by: 500) {
            let events = (start..<min(start + 500, agents.upperBound + 1)).map {
                #"{"event_id":"e\#($0)","agent_id":"a\#($0)","kind":"clock_in","occurred_at":"\#(rfc3339(in: 0))"}"#
            }
            let answer = try await service.deliver("[" + events.joined(separator: ",") + "]")
            try #require(answer.status == 202, "\(answer.text.prefix(300))")
        }
    }

    /// Agents off shift, each with a session that was just seen stopped.
    private func fill(_ service: RunningService) async throws {
        let count = Int64(Self.agents)
        let statements: [PQStatement] = [
            "INSERT INTO agents (agent_id, name, team) SELECT 'a' || n, 'Agent ' || n, 'support' FROM generate_series(1, \(count)) n",
            "INSERT INTO agent_states (agent) SELECT agent FROM agents",
            """
            INSERT INTO instances (account, instance_id, agent)
            SELECT e.account, 'i-' || a.agent, a.agent FROM agents a CROSS JOIN engine_accounts e
            """,
            """
            INSERT INTO observed_states (instance, reading, read_at, reading_since, condition, reason)
            SELECT instance, 'STOPPED', now(), now(), 'converged', 'stopped' FROM instances
            """,
        ]
        for statement in statements { _ = try await service.owner.query(statement, timeout: .seconds(60)) }
    }

    private static let working: PQStatement =
        "SELECT count(*) AS count FROM observed_states WHERE reading = 'WORKING' AND condition = 'converged'"
    private static let open: PQStatement =
        "SELECT count(*) AS count FROM observed_states WHERE reading <> 'WORKING' OR condition <> 'converged'"
}

extension RunningService {
    fileprivate func now() async throws -> Timestamp {
        try await owner.query("SELECT clock_timestamp() AS now")[0].column("now", as: Timestamp.self)
    }
}

extension Duration {
    fileprivate var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
