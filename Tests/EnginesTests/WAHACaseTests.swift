import Domain
import EngineSimulator
import Engines
import Foundation
import NIOHTTP1
import Testing

@Suite("engine-cases.json, WAHA", .serialized)
struct WAHACaseTests {
    @Test func `all cases are there`() {
        #expect(EngineCase.waha.count == 33)
        #expect(EngineCase.oursOfWAHA.count == 13)
    }

    @Test(arguments: EngineCase.waha)
    func `the simulator answers as the contract says`(engineCase: EngineCase) async throws {
        try await withSimulator { simulator in
            try await simulator.prepareWAHA(engineCase)
            let reply = try await simulator.send(engineCase.request)
            #expect(reply.status == engineCase.response.status)
            #expect(reply.contentType == engineCase.response.contentType)
            let expected = engineCase.response.body ?? .null
            #expect(fits(reply.json, expected, match: engineCase.match), "\(reply.text)")
        }
    }

    @Test(arguments: EngineCase.oursOfWAHA)
    func `the client's verdict is the case's class`(engineCase: EngineCase) async throws {
        try await withSimulator { simulator in
            try await simulator.prepareWAHA(engineCase)
            let call = try #require(engineCase.call)
            let name = engineCase.instanceID
            let answer = try await simulator.wahaEngine().send(call, to: SessionAddress(instanceID: name))
            #expect(answer.verdict == engineCase.verdict)
            #expect(answer.httpStatus == engineCase.response.status)
            if case .string(let word)? = engineCase.response.body?["status"] {
                #expect(answer.status == SessionStatus(word: word))
            }
            // The request left as the case has it.
            let logged = try await simulator.calls().last
            #expect(logged?["operation"] == .string(call.rawValue) && logged?["instance_id"] == .string(name))
            #expect(!answer.detail.contains("waha-key"))
            #expect(answer.detail.count <= 200)
        }
    }

    @Test func `the client lists all sessions, the stopped ones as well`() async throws {
        let all = try #require(EngineCase.waha.first { $0.id == "waha.list.all" })
        try await withSimulator { simulator in
            try await simulator.prepareWAHA(all)
            let list = try await simulator.wahaEngine().list()
            #expect(list.answer.verdict == all.verdict && list.isWhole)
            #expect(list.statuses == ["agent-7": .working, "agent-8": .stopped])
            #expect(try await simulator.calls().last?["operation"] == .string("list"))

            let refused = try await simulator.wahaEngine(token: "wrong").list()
            #expect(refused.answer.verdict == .auth && refused.statuses.isEmpty)
        }
    }
}

extension Simulator {
    /// Brings the simulator into the state that a case of WAHA's begins with.
    fileprivate func prepareWAHA(_ engineCase: EngineCase) async throws {
        let state = engineCase.precondition.state
        try await admin(.DELETE, "sessions")
        try await admin(.PUT, "behaviour", #"{"state_wait_ms":0}"#)
        let exists = state["instance"]?["exists"] ?? .bool(engineCase.operation != "create")
        if exists == .bool(true) { try await putNamed("agent-7", state["instance"]?["status"]?.text ?? "WORKING") }
        if engineCase.operation == "list" { try await putNamed("agent-8", "STOPPED") }
        if engineCase.operation == "health" { try await admin(.PUT, "behaviour", #"{"healthy":false}"#) }
        switch state["fault"]?.text {
        case "lock_timeout": try await fault("error", #"{"message":"async-lock timed out in queue agent-7"}"#)
        case "grpc_down":
            try await fault("error", #"{"message":"14 UNAVAILABLE: No connection established. Last error: null"}"#)
        case let other: #expect(other == nil)
        }
        switch state["variant"]?.text {
        case "idempotent": try await admin(.PUT, "behaviour", #"{"start_when_running":"noop"}"#)
        case "core_422": try await admin(.PUT, "behaviour", #"{"start_when_running":"refuse"}"#)
        case "core_single_session": try await admin(.PUT, "behaviour", #"{"core_single_session":true}"#)
        case "2024_10_8": try await admin(.PUT, "behaviour", #"{"stop_unknown":"noop"}"#)
        case "earlier": try await admin(.PUT, "behaviour", #"{"stop_unknown":"refuse"}"#)
        case let other: #expect(other == nil)
        }
    }

    private func putNamed(_ name: String, _ status: String) async throws {
        let session =
            #"{"instance_id":"\#(name)","session_name":"\#(name)","status":"\#(status)","paired":true}"#
        try await admin(.PUT, "sessions", #"{"sessions":[\#(session)]}"#)
    }
}
