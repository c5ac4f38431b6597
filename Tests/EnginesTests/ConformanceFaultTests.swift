import AsyncHTTPClient
import Domain
import EngineSimulator
import NIOHTTP1
import Testing

@testable import Engines

/// What every engine's client must make of what goes wrong: each fault, as the client sees it and as it truly leaves the
/// session; settings that cannot work; secrets.
@Suite("Conformance of engines, faults", .serialized)
struct ConformanceFaultTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var kind: String
        var params = "{}"
        var verdict: EngineVerdict
        /// Whether the stop took place.
        var happens: Bool

        var testDescription: String { "\(kind) \(params)" }
    }

    @Test(
        arguments: EngineKind.allCases,
        [
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
            Row(kind: "error", params: #"{"http_status":400,"format":"plain"}"#, verdict: .permanent, happens: false),
            Row(kind: "error", params: #"{"http_status":503,"format":"html"}"#, verdict: .transient, happens: false),
            Row(kind: "outage", verdict: .transient, happens: false),
            Row(kind: "outage", params: #"{"mode":"503"}"#, verdict: .transient, happens: false),
            Row(kind: "outage", params: #"{"mode":"drop"}"#, verdict: .ambiguous, happens: false),
        ]
    )
    func `a stop under a fault has its verdict and its effect`(kind: EngineKind, row: Row) async throws {
        try await withSimulator { simulator in
            try await simulator.put("WORKING")
            try await simulator.fault(row.kind, row.params)
            let engine = try simulator.engine(kind)
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

    @Test(arguments: EngineKind.allCases, [(true, SessionStatus.stopped), (false, .working)])
    func `a call that hangs is ambiguous at the time-out`(
        kind: EngineKind,
        row: (effect: Bool, truth: SessionStatus)
    ) async throws {
        try await withSimulator { simulator in
            try await simulator.put("WORKING")
            let patient = try simulator.engine(kind)
            // A connection is open from here on, so that the short time-out is the answer's alone.
            _ = await patient.send(.info, to: Simulator.session)
            try await simulator.fault("hang", #"{"effect":\#(row.effect)}"#, operations: "stop")
            let answer = try await simulator.engine(kind, timeout: .milliseconds(500)).send(
                .stop,
                to: Simulator.session
            )
            #expect(answer.verdict == .ambiguous)
            #expect(answer.httpStatus == nil)
            let read = await patient.send(.info, to: Simulator.session)
            #expect(read.status == row.truth)
        }
    }

    @Test(arguments: EngineKind.allCases)
    func `a late call takes effect after its caller has gone`(kind: EngineKind) async throws {
        try await withSimulator { simulator in
            try await simulator.put("WORKING")
            let patient = try simulator.engine(kind)
            _ = await patient.send(.info, to: Simulator.session)
            try await simulator.fault("late", #"{"ms":5000}"#, operations: "stop")
            let answer = try await simulator.engine(kind, timeout: .milliseconds(500)).send(
                .stop,
                to: Simulator.session
            )
            #expect(answer.verdict == .ambiguous)
            #expect(await patient.send(.info, to: Simulator.session).status == .working)
            try await simulator.advance(.seconds(5))
            while try await simulator.calls()[1]["effect"] != .string("stopped") { await Task.yield() }
            #expect(await patient.send(.info, to: Simulator.session).status == .stopped)
        }
    }

    @Test(arguments: EngineKind.allCases)
    func `a too large error is told by its status`(kind: EngineKind) async throws {
        try await withSimulator { simulator in
            try await simulator.fault("oversize")
            let answer = try await simulator.engine(kind).send(.info, to: SessionAddress(instanceID: "nobody"))
            #expect(answer.verdict == .missing)
            #expect(answer.detail.count <= 200)
        }
    }

    @Test(arguments: EngineKind.allCases)
    func `the engine's wish to be left alone is passed on`(kind: EngineKind) async throws {
        try await withSimulator { simulator in
            try await simulator.fault("rate_limited", #"{"retry_after":"7200"}"#)
            let answer = try await simulator.engine(kind).send(.info, to: Simulator.session)
            #expect(answer.retryAfter == .seconds(3600))
        }
    }

    @Test(arguments: EngineKind.allCases)
    func `an answer that echoes our secrets shows none of them`(kind: EngineKind) async throws {
        try await withSimulator { simulator in
            let echo =
                #"{"message":"body {\"access_token\":\"tok_valid_0001\"} of 201012345678@c.us, call +201012345678"}"#
            try await simulator.fault("error", echo)
            let detail = try await simulator.engine(kind).send(.stop, to: Simulator.session).detail
            #expect(detail.contains("[removed]"))
            #expect(!detail.contains("tok_valid_0001"))
            #expect(!detail.contains("2010123"))
        }
    }

    @Test(arguments: EngineKind.allCases)
    func `a body that does not end is ambiguous at the time-out`(kind: EngineKind) async throws {
        try await withSimulator { simulator in
            try await simulator.put("WORKING")
            _ = try await simulator.engine(kind).send(.info, to: Simulator.session)
            try await simulator.fault("cut_reply", #"{"ms":600000}"#)
            let answer = try await simulator.engine(kind, timeout: .milliseconds(500)).send(
                .info,
                to: Simulator.session
            )
            #expect(answer.verdict == .ambiguous && answer.reading == nil)
        }
    }

    @Test(arguments: EngineKind.allCases, EngineCall.allCases)
    func `a redirect is not followed`(kind: EngineKind, call: EngineCall) async throws {
        try await withSimulator { simulator in
            try await simulator.put("WORKING")
            try await simulator.fault("error", #"{"http_status":302,"location":"/v2/session/logout"}"#)
            let answer = try await simulator.engine(kind).send(call, to: Simulator.session)
            #expect(answer.verdict == .permanent && answer.httpStatus == 302)
            #expect(try await simulator.calls().count == 1)
        }
    }

    @Test(arguments: EngineKind.allCases, EngineCall.allCases)
    func `a connection that is refused had no effect`(kind: EngineKind, call: EngineCall) async throws {
        let client = HTTPClient.engine(concurrency: 1)
        // Nobody listens on port 1.
        let account = EngineAccount(
            baseURL: "http://127.0.0.1:1",
            token: "secret-token",
            placement: kind.tokenPlacements[0]
        )
        let answer = await (try kind.makeEngine(account, client: client)).send(call, to: Simulator.session)
        #expect(answer.verdict == .unreachable)
        #expect(answer.httpStatus == nil)
        #expect(!answer.detail.isEmpty)
        try await client.shutdown()
    }

    @Test(arguments: EngineKind.allCases)
    func `a cancelled call ends early and its outcome is unknown`(kind: EngineKind) async throws {
        try await withSimulator { simulator in
            try await simulator.fault("hang")
            let engine = try simulator.engine(kind, timeout: .seconds(600))
            let answer = try await withThrowingTaskGroup(of: EngineAnswer?.self) { group in
                group.addTask { await engine.send(.stop, to: Simulator.session) }
                group.addTask {
                    // The call is under way once the engine has it.
                    while try await simulator.calls().isEmpty { await Task.yield() }
                    return nil
                }
                guard let first = try await group.next(), first == nil else { return nil as EngineAnswer? }
                group.cancelAll()
                return try await group.next() ?? nil
            }
            #expect(answer?.verdict == .ambiguous)
        }
    }

    @Test(arguments: EngineKind.allCases)
    func `settings that cannot work are refused`(kind: EngineKind) async throws {
        let client = HTTPClient.engine(concurrency: 1)
        let refused: [(url: String, token: String, error: EngineAccountError)] = [
            ("ftp://x", "t0ken", .baseURL), ("", "t0ken", .baseURL), ("http://", "t0ken", .baseURL),
            ("https://x y", "t0ken", .baseURL), ("https://x?y", "t0ken", .query), ("https://x/#y", "t0ken", .query),
            ("https://user:pass@x", "t0ken", .query), ("https://x" + kind.addedPath, "t0ken", .addedPath),
            ("https://x" + kind.addedPath + "/", "t0ken", .addedPath), ("https://x", "", .token),
            ("http:/" + kind.addedPath + kind.addedPath, "t0ken", .addedPath),
            ("https://x", "a b", .token), ("https://x", "a\nb", .token), ("https://x", "tök", .token),
        ]
        for (url, token, error) in refused {
            let account = EngineAccount(baseURL: url, token: token, placement: kind.tokenPlacements[0])
            #expect(throws: error) { try kind.makeEngine(account, client: client) }
        }
        for placement in EngineAccount.TokenPlacement.allCases where !kind.tokenPlacements.contains(placement) {
            let account = EngineAccount(baseURL: "https://x", token: "t0ken", placement: placement)
            #expect(throws: EngineAccountError.placement) { try kind.makeEngine(account, client: client) }
        }
        try await client.shutdown()
    }

    @Test(arguments: EngineKind.allCases)
    func `a host that is called as what every call begins with is a host`(kind: EngineKind) async throws {
        let client = HTTPClient.engine(concurrency: 1)
        for ending in ["", "/", ":3000", "/engine"] {
            // `http://api`, `http://v2`
            let url = "http:/" + kind.addedPath + ending
            let account = EngineAccount(baseURL: url, token: "t0ken", placement: kind.tokenPlacements[0])
            #expect(throws: Never.self) { try kind.makeEngine(account, client: client) }
        }
        try await client.shutdown()
    }

    @Test(arguments: EngineKind.allCases)
    func `neither account nor engine prints its token`(kind: EngineKind) async throws {
        let client = HTTPClient.engine(concurrency: 1)
        for placement in kind.tokenPlacements {
            let account = EngineAccount(baseURL: "https://x", token: "very-secret", placement: placement)
            let engine = try kind.makeEngine(account, client: client)
            var dumped = ""
            dump(account, to: &dumped)
            dump(engine, to: &dumped)
            #expect(
                !"\(account) \(engine) \(String(reflecting: account)) \(String(reflecting: engine)) \(dumped)".contains(
                    "very"
                )
            )
        }
        try await client.shutdown()
    }
}
