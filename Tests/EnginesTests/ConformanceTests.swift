import AsyncHTTPClient
import Domain
import EngineSimulator
import NIOHTTP1
import Testing

@testable import Engines

/// What every engine's client must do, told once for all of them: an engine is one that passes.
@Suite("Conformance of engines", .serialized)
struct ConformanceTests {
    @Test(arguments: EngineKind.allCases)
    func `a start from STOPPED boots the session`(kind: EngineKind) async throws {
        try await withSimulator { simulator in
            try await simulator.put("STOPPED")
            let engine = try simulator.engine(kind)
            let answer = await engine.send(.start, to: Simulator.session)
            #expect(answer.verdict == .ok && answer.status == .starting && answer.detail.isEmpty)
            try await simulator.advance(.seconds(5))
            #expect(await engine.send(.info, to: Simulator.session).reading == .status(.working))
        }
    }

    @Test(arguments: EngineKind.allCases)
    func `a start of a WORKING session changes nothing, or says that it may be so already`(
        kind: EngineKind
    ) async throws {
        try await withSimulator { simulator in
            try await simulator.put("WORKING")
            let engine = try simulator.engine(kind)
            let answer = await engine.send(.start, to: Simulator.session)
            #expect(answer.verdict == .ok && answer.status == .working)
            try await simulator.admin(.PUT, "behaviour", #"{"start_when_running":"refuse"}"#)
            let refused = await engine.send(.start, to: Simulator.session)
            #expect(refused.verdict == .already && refused.reading == nil)
            #expect(try await simulator.calls().allSatisfy { $0["effect"] == .string("none") })
        }
    }

    @Test(arguments: EngineKind.allCases)
    func `a start of a FAILED session that is refused says so`(kind: EngineKind) async throws {
        try await withSimulator { simulator in
            try await simulator.put("FAILED")
            try await simulator.admin(.PUT, "behaviour", #"{"start_when_failed":"refuse"}"#)
            #expect(try await simulator.engine(kind).send(.start, to: Simulator.session).verdict == .already)
            let restarted = try await simulator.engine(kind).send(.restart, to: Simulator.session)
            #expect(restarted.verdict == .ok && restarted.status == .starting)
        }
    }

    @Test(arguments: EngineKind.allCases)
    func `a stop keeps the pairing, and a second one changes nothing`(kind: EngineKind) async throws {
        try await withSimulator { simulator in
            try await simulator.put("WORKING")
            let engine = try simulator.engine(kind)
            for _ in 0..<2 {
                let answer = await engine.send(.stop, to: Simulator.session)
                #expect(answer.verdict == .ok && answer.status == .stopped)
            }
            #expect(try await simulator.calls().map { $0["effect"] } == [.string("stopped"), .string("none")])
            try await simulator.advance(.seconds(10))
            #expect(await engine.send(.start, to: Simulator.session).verdict == .ok)
            try await simulator.advance(.seconds(5))
            #expect(await engine.send(.info, to: Simulator.session).status == .working)
        }
    }

    @Test(arguments: EngineKind.allCases, ["WORKING", "FAILED", "STOPPED", "SCAN_QR_CODE"])
    func `a restart boots whatever the session did`(kind: EngineKind, status: String) async throws {
        try await withSimulator { simulator in
            try await simulator.put(status)
            let engine = try simulator.engine(kind)
            let answer = await engine.send(.restart, to: Simulator.session)
            #expect(answer.verdict == .ok && answer.status == .starting)
            try await simulator.advance(.seconds(5))
            #expect(await engine.send(.info, to: Simulator.session).status == .working)
        }
    }

    @Test(
        arguments: EngineKind.allCases,
        ["STOPPED", "STARTING", "SCAN_QR_CODE", "WORKING", "FAILED", "PASSKEY_REQUIRED"]
    )
    func `info tells every status, and a word nobody knows as it is`(kind: EngineKind, word: String) async throws {
        try await withSimulator { simulator in
            try await simulator.put(word)
            let answer = try await simulator.engine(kind).send(.info, to: Simulator.session)
            #expect(answer.verdict == .ok)
            #expect(answer.reading == .status(SessionStatus(word: word)))
            #expect(answer.status?.word == word)
        }
    }

    @Test(arguments: EngineKind.allCases, EngineCall.allCases)
    func `a session that is not there is missing, and nothing is made`(kind: EngineKind, call: EngineCall) async throws
    {
        try await withSimulator { simulator in
            let answer = try await simulator.engine(kind).send(call, to: SessionAddress(instanceID: "nobody"))
            #expect(answer.verdict == .missing && answer.httpStatus == 404)
            #expect(try await simulator.admin(.GET, "sessions")["sessions"]?.elements?.count == 1)
        }
    }

    @Test(arguments: EngineKind.allCases, EngineCall.allCases)
    func `a token that is not valid is the account's matter`(kind: EngineKind, call: EngineCall) async throws {
        try await withSimulator { simulator in
            try await simulator.put("FAILED")
            let engine = try simulator.engine(kind, token: "tok_invalid_0000")
            let answer = await engine.send(call, to: Simulator.session)
            #expect(answer.verdict == .auth && answer.httpStatus == 401)
            #expect(!answer.detail.contains("tok_invalid_0000"))
            #expect(try await simulator.calls().allSatisfy { $0["effect"] == .string("none") })
        }
    }

    @Test(
        arguments: EngineKind.allCases,
        ["a\"b\\c", "a&b=c?d#e", "a%2Fb/c d", "123456789", "{\"x\":1}", "..a", "a+b"]
    )
    func `an instance id arrives as it is`(kind: EngineKind, instanceID: String) async throws {
        var configuration = SimulatorConfiguration.still
        configuration.sessions = [.init(instanceID: instanceID, sessionName: "odd", status: .working)]
        try await withSimulator(configuration) { simulator in
            let answer = try await simulator.engine(kind).send(.info, to: SessionAddress(instanceID: instanceID))
            #expect(answer.reading == .status(.working))
        }
    }
}
