import AsyncHTTPClient
import Domain
import EngineSimulator
import FoundationEssentials
import NIOHTTP1
import Testing

@testable import Engines

/// What is WAHA's alone; the rest is in the conformance suite.
@Suite("WAHAEngine", .serialized)
struct WAHAEngineTests {
    private static let account = EngineAccount(baseURL: "https://x/waha/", token: "a-key", placement: .header)

    @Test(arguments: [
        (EngineCall.info, HTTPMethod.GET, ""), (.start, .POST, "/start"), (.stop, .POST, "/stop"),
        (.restart, .POST, "/restart"),
    ])
    func `a call names the session in its path and has the key in a header alone`(
        call: EngineCall,
        method: HTTPMethod,
        suffix: String
    ) throws {
        let request = try #require(try WAHARequests(Self.account).request(call, session: "agent 7/ü"))
        #expect(request.url.absoluteString == "https://x/waha/api/sessions/agent%207%2F%C3%BC" + suffix)
        #expect(request.method == method)
        #expect(request.headers["x-api-key"] == ["a-key"])
        #expect(request.body == nil)
    }

    @Test func `stopped sessions are asked for as well`() throws {
        #expect(try WAHARequests(Self.account).list.url.absoluteString == "https://x/waha/api/sessions?all=true")
    }

    @Test(arguments: ["", ".", ".."])
    func `a name that would make another address is not sent`(name: String) async throws {
        try await withSimulator { simulator in
            for call in EngineCall.allCases {
                let answer = try await simulator.wahaEngine().send(call, to: SessionAddress(instanceID: name))
                #expect(answer.verdict == .permanent && answer.httpStatus == nil)
            }
            #expect(try await simulator.calls().isEmpty)
        }
    }

    @Test func `a stop answers no sooner than after its three seconds, and a start meanwhile waits for it`()
        async throws
    {
        var configuration = SimulatorConfiguration.still
        configuration.speed = 20
        configuration.stopTime = .seconds(3)
        try await withSimulator(configuration) { simulator in
            try await simulator.put("WORKING")
            let engine = try simulator.wahaEngine()
            async let stopped = engine.send(.stop, to: Simulator.session)
            while try await simulator.calls().first?["effect"] != .string("stopped") { await Task.yield() }
            let started = await engine.send(.start, to: Simulator.session)
            #expect(await stopped.status == .stopped)
            #expect(started.verdict == .ok && started.status == .starting)
            let calls = try await simulator.calls()
            guard case .number(let began)? = calls[0]["received_monotonic_us"],
                case .number(let stoppedAt)? = calls[0]["answered_monotonic_us"],
                case .number(let startedAt)? = calls[1]["answered_monotonic_us"]
            else {
                Issue.record("the log lacks the calls")
                return
            }
            #expect(stoppedAt - began >= 150_000)
            #expect(startedAt - began >= 150_000)
        }
    }

    @Test func `an error that repeats our request and a stack is cut and shows no key`() async throws {
        try await withSimulator { simulator in
            try await simulator.put("STOPPED")
            try await simulator.fault("error", #"{"message":"x-api-key waha-key of 201012345678@c.us"}"#)
            let answer = try await simulator.wahaEngine().send(.start, to: Simulator.session)
            #expect(answer.verdict == .transient && answer.detail.count == 200)
            #expect(!answer.detail.contains("waha-key") && !answer.detail.contains("2010"))
        }
    }

    // MARK: Lists

    @Test func `a session that a list leaves out is not in it, whoever left it out`() async throws {
        try await withSimulator { simulator in
            try await simulator.admin(.POST, "sessions", #"{"count":3,"instance_id":"S{n}","status":"STOPPED"}"#)
            try await simulator.admin(.PUT, "faults", #"{"kind":"unlisted","scope":["S2"]}"#)
            let engine = try simulator.wahaEngine()
            #expect(await engine.list().statuses.keys.sorted() == [Simulator.instance, "S1", "S3"])
            #expect(await engine.send(.info, to: SessionAddress(instanceID: "S2")).status == .stopped)
            try await simulator.admin(.PUT, "behaviour", #"{"list_leaves_out_stopped":true}"#)
            let list = await engine.list()
            #expect(list.answer.verdict == .ok && list.statuses.isEmpty)
        }
    }

    struct Row: Sendable, CustomTestStringConvertible {
        var kind: String
        var params = "{}"
        var verdict: EngineVerdict

        var testDescription: String { "\(kind) \(params)" }
    }

    @Test(arguments: [
        Row(kind: "cut_reply", verdict: .ambiguous), Row(kind: "drop_after_effect", verdict: .ambiguous),
        Row(kind: "empty_200", verdict: .verify), Row(kind: "garbage_200", verdict: .verify),
        Row(kind: "error_in_200", verdict: .verify), Row(kind: "unauthorized", verdict: .auth),
        Row(kind: "rate_limited", verdict: .transient), Row(kind: "error", verdict: .transient),
        Row(kind: "error", params: #"{"http_status":403,"format":"html"}"#, verdict: .permanent),
        Row(kind: "error", params: #"{"http_status":302,"location":"/api/sessions"}"#, verdict: .permanent),
        Row(kind: "error", params: #"{"http_status":422}"#, verdict: .already),
        Row(kind: "outage", verdict: .transient), Row(kind: "lying_200", verdict: .ok),
    ])
    func `a list that went wrong names nobody`(row: Row) async throws {
        try await withSimulator { simulator in
            try await simulator.put("WORKING")
            try await simulator.fault(row.kind, row.params)
            let list = try await simulator.wahaEngine().list()
            #expect(list.answer.verdict == row.verdict)
            #expect(list.statuses.isEmpty)
            #expect(!list.answer.detail.contains("waha-key"))
        }
    }

    @Test func `an entry that is too long is passed over, the others are read`() async throws {
        try await withSimulator { simulator in
            try await simulator.put("WORKING")
            try await simulator.fault("oversize", #"{"bytes":300000}"#)
            let list = try await simulator.wahaEngine().list()
            #expect(list.answer.verdict == .ok && list.isWhole)
            #expect(list.statuses == [Simulator.instance: .working])
        }
    }

    @Test func `a list that does not end is ambiguous at the time-out`() async throws {
        try await withSimulator { simulator in
            try await simulator.put("WORKING")
            _ = try await simulator.wahaEngine().list()
            try await simulator.fault("cut_reply", #"{"ms":600000}"#)
            let list = try await simulator.wahaEngine(timeout: .milliseconds(500)).list()
            #expect(list.answer.verdict == .ambiguous && list.statuses.isEmpty)
        }
    }

    @Test func `a list that is longer than may be kept counts as far as it was read`() async throws {
        try await withSimulator { simulator in
            let count = ListReader.sessionLimit
            try await simulator.admin(
                .POST,
                "sessions",
                #"{"count":\#(count),"instance_id":"S{n}","status":"WORKING"}"#
            )
            let list = try await simulator.wahaEngine(timeout: .seconds(120)).list()
            #expect(list.answer.verdict == .ok && !list.isWhole)
            #expect(list.statuses.count == count && list.statuses[Simulator.instance] == .stopped)
            #expect(list.statuses["S\(count - 1)"] == .working && list.statuses["S\(count)"] == nil)
            #expect(try await simulator.calls().count == 1)
        }
    }
}
