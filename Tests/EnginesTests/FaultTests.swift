import Domain
import EngineSimulator
import Engines
import NIOHTTP1
import Testing

/// Each fault, as the client sees it and as it truly leaves the session.
@Suite("Faults", .serialized)
struct FaultTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var kind: String
        var params = "{}"
        var verdict: EngineVerdict
        /// Whether the stop took place.
        var happens: Bool

        var testDescription: String { "\(kind) \(params)" }
    }

    @Test(
        arguments: [
            Row(kind: "slow", params: #"{"ms":0}"#, verdict: .ok, happens: true),
            Row(kind: "late", params: #"{"ms":0}"#, verdict: .ok, happens: true),
            Row(kind: "drop_before_effect", verdict: .ambiguous, happens: false),
            Row(kind: "drop_after_effect", verdict: .ambiguous, happens: true),
            Row(kind: "cut_reply", verdict: .ambiguous, happens: true),
            Row(kind: "lying_200", verdict: .ok, happens: false),
            Row(kind: "empty_200", verdict: .verify, happens: true),
            Row(kind: "error_in_200", verdict: .errorBody, happens: false),
            Row(kind: "garbage_200", verdict: .verify, happens: true),
            Row(kind: "oversize", verdict: .ambiguous, happens: true),
            Row(kind: "oversize", params: #"{"bytes":60000}"#, verdict: .ok, happens: true),
            Row(kind: "unauthorized", verdict: .auth, happens: false),
            Row(kind: "rate_limited", verdict: .transient, happens: false),
            Row(kind: "error", verdict: .transient, happens: false),
            Row(kind: "error", params: #"{"http_status":502,"effect":true}"#, verdict: .transient, happens: true),
            Row(kind: "error", params: #"{"http_status":403,"format":"xml"}"#, verdict: .permanent, happens: false),
            Row(kind: "outage", verdict: .transient, happens: false),
            Row(kind: "outage", params: #"{"mode":"503"}"#, verdict: .transient, happens: false),
            Row(kind: "outage", params: #"{"mode":"drop"}"#, verdict: .ambiguous, happens: false),
        ]
    )
    func `a stop under a fault has its verdict and its effect`(row: Row) async throws {
        try await withSimulator { simulator in
            try await simulator.put("WORKING")
            try await simulator.fault(row.kind, row.params)
            let engine = try simulator.engine()
            let answer = await engine.send(.stop, to: Simulator.session)
            #expect(answer.verdict == row.verdict)
            #expect(!answer.detail.contains("tok_valid_0001"))

            try await simulator.admin(.DELETE, "faults")
            let truth = await engine.send(.info, to: Simulator.session)
            #expect(truth.status == (row.happens ? .stopped : .working))
            let effect = try await simulator.calls().first?["effect"]
            #expect(effect == .string(row.happens ? "stopped" : "none"))
        }
    }

    @Test(arguments: [(true, SessionStatus.stopped), (false, .working)])
    func `a call that hangs is ambiguous at the time-out`(effect: Bool, truth: SessionStatus) async throws {
        try await withSimulator { simulator in
            try await simulator.put("WORKING")
            let patient = try simulator.engine()
            // A connection is open from here on, so that the short time-out is the answer's alone.
            _ = await patient.send(.info, to: Simulator.session)
            try await simulator.fault("hang", #"{"effect":\#(effect)}"#, operations: "stop")
            let answer = try await simulator.engine(timeout: .milliseconds(500)).send(.stop, to: Simulator.session)
            #expect(answer.verdict == .ambiguous)
            #expect(answer.httpStatus == nil)
            let read = await patient.send(.info, to: Simulator.session)
            #expect(read.status == truth)
        }
    }

    @Test func `a late call takes effect after its caller has gone`() async throws {
        try await withSimulator { simulator in
            try await simulator.put("WORKING")
            let patient = try simulator.engine()
            _ = await patient.send(.info, to: Simulator.session)
            try await simulator.fault("late", #"{"ms":5000}"#, operations: "stop")
            let answer = try await simulator.engine(timeout: .milliseconds(500)).send(.stop, to: Simulator.session)
            #expect(answer.verdict == .ambiguous)
            #expect(await patient.send(.info, to: Simulator.session).status == .working)
            try await simulator.advance(.seconds(5))
            while try await simulator.calls()[1]["effect"] != .string("stopped") { await Task.yield() }
            #expect(await patient.send(.info, to: Simulator.session).status == .stopped)
        }
    }

    @Test func `a too large error is told by its status`() async throws {
        try await withSimulator { simulator in
            try await simulator.fault("oversize")
            let answer = try await simulator.engine().send(.info, to: SessionAddress(instanceID: "nobody"))
            #expect(answer.verdict == .missing)
            #expect(answer.detail.count <= 200)
        }
    }

    @Test func `the engine's wish to be left alone is passed on`() async throws {
        try await withSimulator { simulator in
            try await simulator.fault("rate_limited", #"{"retry_after":"7200"}"#)
            let answer = try await simulator.engine().send(.info, to: Simulator.session)
            #expect(answer.retryAfter == .seconds(3600))
        }
    }

    @Test func `an answer that echoes our secrets shows none of them`() async throws {
        try await withSimulator { simulator in
            let echo =
                #"{"message":"body {\"access_token\":\"tok_valid_0001\"} of 201012345678@c.us, call +201012345678"}"#
            try await simulator.fault("error", echo)
            let detail = try await simulator.engine().send(.stop, to: Simulator.session).detail
            #expect(detail.contains("[removed]"))
            #expect(!detail.contains("tok_valid_0001"))
            #expect(!detail.contains("2010123"))
        }
    }

    @Test func `a fault with a count strikes so often and no more`() async throws {
        try await withSimulator { simulator in
            try await simulator.fault("error", count: 2)
            let engine = try simulator.engine()
            var verdicts: [EngineVerdict] = []
            for _ in 0..<3 { verdicts.append(await engine.send(.info, to: Simulator.session).verdict) }
            #expect(verdicts == [.transient, .transient, .ok])
        }
    }

    @Test func `a fault strikes only the sessions, the calls and the time it is for`() async throws {
        try await withSimulator { simulator in
            try await simulator.admin(.POST, "sessions", #"{"count":2,"instance_id":"S{n}","status":"WORKING"}"#)
            try await simulator.admin(
                .PUT,
                "faults",
                #"{"kind":"error","scope":["S1"],"operations":["stop"],"for_ms":60000}"#
            )
            let engine = try simulator.engine()
            let first = SessionAddress(instanceID: "S1")
            #expect(await engine.send(.info, to: first).verdict == .ok)
            #expect(await engine.send(.stop, to: first).verdict == .transient)
            #expect(await engine.send(.stop, to: SessionAddress(instanceID: "S2")).verdict == .ok)
            try await simulator.advance(.seconds(60))
            #expect(await engine.send(.stop, to: first).verdict == .ok)
        }
    }

    @Test(arguments: [
        #"{"kind":"no_such","scope":"all"}"#, #"{"kind":"slow"}"#, "{", #"{"kind":"slow","scope":"all","count":0}"#,
    ])
    func `an order that makes no sense is refused`(order: String) async throws {
        try await withSimulator { simulator in
            let reply = try await simulator.raw(.PUT, "/_sim/faults", body: order)
            #expect(reply.status == 400)
        }
    }
}
