import Domain
import EngineSimulator
import Engines
import NIOHTTP1
import Testing

/// The routes under `/_sim/` that tests and demonstrations stand on.
@Suite("Admin routes", .serialized)
struct AdminTests {
    @Test func `the log says what came, when, and what it did`() async throws {
        try await withSimulator { simulator in
            try await simulator.put("WORKING")
            let engine = try simulator.engine()
            _ = await engine.send(.info, to: Simulator.session)
            _ = await engine.send(.stop, to: Simulator.session)
            _ = await engine.send(.stop, to: Simulator.session)
            _ = await engine.send(.start, to: SessionAddress(instanceID: "nobody"))
            let log = try await simulator.admin(.GET, "calls")
            #expect(log["total"] == .number(4))
            #expect(log["next"] == .number(4))
            #expect(log["counts"] == .object(["info": .number(1), "stop": .number(2), "start": .number(1)]))

            let calls = try #require(log["calls"]?.elements)
            #expect(calls.map { $0["number"] } == [.number(0), .number(1), .number(2), .number(3)])
            #expect(
                calls.map { $0["effect"] } == [.string("none"), .string("stopped"), .string("none"), .string("none")]
            )
            #expect(calls.map { $0["http_status"] } == [.number(200), .number(200), .number(200), .number(404)])
            #expect(calls.map { $0["before"] } == [.string("WORKING"), .string("WORKING"), .string("STOPPED"), .null])
            #expect(calls[3]["instance_id"] == .string("nobody"))
            for call in calls {
                guard case .number(let received)? = call["received_monotonic_us"],
                    case .number(let answered)? = call["answered_monotonic_us"]
                else {
                    Issue.record("a call without times: \(call)")
                    continue
                }
                #expect(received > 0 && answered >= received)
            }
        }
    }

    @Test func `the log keeps the newest and counts the rest`() async throws {
        var configuration = SimulatorConfiguration.still
        configuration.callLogLimit = 3
        try await withSimulator(configuration) { simulator in
            let engine = try simulator.engine()
            for _ in 0..<5 { _ = await engine.send(.info, to: Simulator.session) }
            #expect(try await simulator.calls().map { $0["number"] } == [.number(2), .number(3), .number(4)])
            #expect(try await simulator.calls(since: 4).count == 1)
            #expect(try await simulator.calls(since: 9).isEmpty)
            let page = try await simulator.admin(.GET, "calls?since=2&limit=1")
            #expect(page["next"] == .number(3))
            #expect(page["total"] == .number(5))
        }
    }

    @Test func `an unanswered call has no end in the log`() async throws {
        try await withSimulator { simulator in
            try await simulator.fault("drop_after_effect")
            _ = try await simulator.engine().send(.start, to: Simulator.session)
            let call = try await simulator.calls().first
            #expect(call?["answered_at_us"] == .null)
            #expect(call?["http_status"] == .number(0))
            #expect(call?["effect"] == .string("started"))
        }
    }

    @Test func `sessions are made by the thousand and summed up`() async throws {
        try await withSimulator { simulator in
            try await simulator.admin(.DELETE, "sessions")
            try await simulator.admin(
                .POST,
                "sessions",
                #"{"count":10000,"instance_id":"AGENT{n}","status":"WORKING"}"#
            )
            let engine = try simulator.engine()
            #expect(await engine.send(.stop, to: SessionAddress(instanceID: "AGENT10000")).verdict == .ok)
            let summary = try await simulator.admin(.GET, "")
            #expect(summary["sessions"] == .number(10_000))
            #expect(summary["by_status"] == .object(["WORKING": .number(9_999), "STOPPED": .number(1)]))
            #expect(summary["calls_by_operation"] == .object(["stop": .number(1)]))
        }
    }

    @Test func `a count on a session's fault takes so many sessions`() async throws {
        try await withSimulator { simulator in
            try await simulator.admin(.DELETE, "sessions")
            try await simulator.admin(.POST, "sessions", #"{"count":10,"instance_id":"S{n}","status":"WORKING"}"#)
            try await simulator.fault("vanish", count: 4)
            try await simulator.fault("self_stop", count: 3)
            let summary = try await simulator.admin(.GET, "")
            #expect(summary["by_status"] == .object(["WORKING": .number(3), "STOPPED": .number(3)]))
        }
    }

    @Test func `the session that takes a forgotten one's place keeps its own state`() async throws {
        try await withSimulator { simulator in
            try await simulator.admin(.DELETE, "sessions")
            try await simulator.admin(.POST, "sessions", #"{"count":3,"instance_id":"S{n}"}"#)
            let engine = try simulator.engine()
            _ = await engine.send(.start, to: SessionAddress(instanceID: "S3"))
            try await simulator.admin(.PUT, "faults", #"{"kind":"vanish","scope":"S1"}"#)
            try await simulator.advance(.seconds(5))
            #expect(await engine.send(.info, to: SessionAddress(instanceID: "S1")).verdict == .missing)
            #expect(await engine.send(.info, to: SessionAddress(instanceID: "S2")).status == .stopped)
            #expect(await engine.send(.info, to: SessionAddress(instanceID: "S3")).status == .working)
        }
    }

    @Test func `a reset makes all as it was at the start`() async throws {
        try await withSimulator { simulator in
            try await simulator.put("FAILED")
            try await simulator.fault("outage")
            try await simulator.admin(.PUT, "behaviour", #"{"auto_create":true,"success_status":201}"#)
            try await simulator.admin(.POST, "reset")
            let engine = try simulator.engine()
            #expect(await engine.send(.info, to: Simulator.session).status == .stopped)
            #expect(await engine.send(.info, to: SessionAddress(instanceID: "nobody")).verdict == .missing)
            #expect(try await simulator.calls().count == 2)
        }
    }

    @Test func `time runs as fast as it is told`() async throws {
        try await withSimulator { simulator in
            #expect(try await simulator.admin(.GET, "clock")["now"] == .string("2027-01-15T08:00:00Z"))
            try await simulator.advance(.seconds(90))
            #expect(try await simulator.admin(.GET, "clock")["now"] == .string("2027-01-15T08:01:30Z"))
            _ = try await simulator.engine().send(.start, to: Simulator.session)
            // A simulated day takes a real tenth of a second; the boot is over long before.
            try await simulator.admin(.PUT, "clock", #"{"speed":864000}"#)
            while try await simulator.engine().send(.info, to: Simulator.session).status != .working {}
        }
    }

    @Test(
        arguments: [
            ("behaviour", #"{"no_such_switch":1}"#), ("behaviour", #"{"success_status":"x"}"#), ("behaviour", "[]"),
            ("clock", #"{"speed":-1}"#), ("clock", #"{"advance_ms":-1}"#), ("webhooks", #"{"url":"x"}"#),
            ("sessions", #"{"sessions":[{"instance_id":""}]}"#), ("sessions", "nonsense"),
        ]
    )
    func `what an admin route does not understand it refuses`(path: String, body: String) async throws {
        try await withSimulator { simulator in
            let reply = try await simulator.raw(.PUT, "/_sim/\(path)", body: body)
            #expect(reply.status == 400)
        }
    }

    @Test(arguments: [
        (HTTPMethod.GET, "/_sim/nothing", 404), (.GET, "/v2/status", 404), (.PUT, "/v2/session/stop", 405),
    ])
    func `a route that is not there says so`(method: HTTPMethod, target: String, status: Int) async throws {
        try await withSimulator { simulator in
            let reply = try await simulator.raw(method, target)
            #expect(reply.status == status)
        }
    }
}
