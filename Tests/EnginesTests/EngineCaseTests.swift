import Domain
import EngineSimulator
import Engines
import Foundation
import NIOCore
import NIOHTTP1
import Testing

@Suite("engine-cases.json, Wawp", .serialized)
struct EngineCaseTests {
    @Test func `all cases are there`() {
        #expect(EngineCase.wawp.count == 107)
        #expect(EngineCase.ours.count == 77)
    }

    @Test(arguments: EngineCase.wawp)
    func `the simulator answers as the contract says`(engineCase: EngineCase) async throws {
        try await withSimulator { simulator in
            try await simulator.prepare(engineCase)
            guard engineCase.response.status != 0 else {
                await #expect(throws: (any Error).self) {
                    try await simulator.send(engineCase.request, timeout: .milliseconds(200))
                }
                return
            }
            let reply = try await simulator.send(engineCase.request)
            #expect(reply.status == engineCase.response.status)
            #expect(reply.contentType == engineCase.response.contentType)
            let expected = engineCase.response.body ?? .null
            #expect(fits(reply.json, expected, match: engineCase.match), "\(reply.text)")

            guard case .string(let then)? = engineCase.expect?["thenStatus"] else { return }
            // The boot's five seconds come on top of what the case says.
            if case .number(let seconds)? = engineCase.expect?["afterSeconds"] {
                try await simulator.advance(.seconds(seconds))
            }
            try await simulator.advance(.seconds(5))
            let sessions = try await simulator.admin(.GET, "sessions")
            #expect(sessions["sessions"]?.elements?.first?["status"] == .string(then))
        }
    }

    @Test(arguments: EngineCase.ours)
    func `the client's verdict is the case's class`(engineCase: EngineCase) async throws {
        try await withSimulator { simulator in
            try await simulator.prepare(engineCase)
            let call = try #require(engineCase.call)
            let isSilent = engineCase.response.status == 0
            let engine = try simulator.engine(
                engineCase.placement,
                token: engineCase.token,
                timeout: isSilent ? .milliseconds(200) : .seconds(20)
            )
            let answer = await engine.send(call, to: SessionAddress(instanceID: engineCase.instanceID))
            #expect(answer.verdict == engineCase.verdict)
            #expect(answer.httpStatus == (isSilent ? nil : engineCase.response.status))
            if case .string(let word)? = engineCase.response.body?["status"] {
                #expect(answer.status == SessionStatus(word: word))
            }
            #expect(!answer.detail.contains(engineCase.token))
            #expect(answer.detail.count <= 200)
        }
    }
}

extension Simulator {
    /// Sends a case's request byte for byte.
    @discardableResult
    func send(
        _ request: EngineCase.Request,
        timeout: TimeAmount = .seconds(20)
    ) async throws -> RawReply {
        var target = request.path
        let query = request.query.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        if !query.isEmpty { target += "?" + query.joined(separator: "&") }
        var body = ""
        if let json = request.body, json != .null {
            body = String(decoding: try JSONEncoder().encode(json), as: UTF8.self)
        }
        return try await raw(
            HTTPMethod(rawValue: request.method),
            target,
            headers: request.headers,
            body: body,
            timeout: timeout
        )
    }

    /// Brings the simulator into the state that a case begins with.
    fileprivate func prepare(_ engineCase: EngineCase) async throws {
        let state = engineCase.precondition.state
        try await admin(.DELETE, "sessions")
        if engineCase.operation != "create", state["instance"]?["exists"] != .bool(false) {
            let instance = state["instance"]
            var entry: [String: JSONValue] = [
                "instance_id": .string(Self.instance),
                "session_name": .string("wawp-84729105"),
                "status": instance?["status"] ?? .string("WORKING"),
                "paired": instance?["paired"] ?? .bool(true),
            ]
            entry["stopped_ms_ago"] = instance?["stoppedMsAgo"]
            let body = try JSONEncoder().encode(JSONValue.object(["sessions": .array([.object(entry)])]))
            try await admin(.PUT, "sessions", String(decoding: body, as: UTF8.self))
        }
        if case .bool(let paid)? = state["account"]?["paid"] {
            try await admin(.PUT, "behaviour", #"{"paid":\#(paid)}"#)
        }
        if case .number(let left)? = state["account"]?["quotaLeft"] {
            try await admin(.PUT, "behaviour", #"{"quota_left":\#(Int(left))}"#)
        }
        if case .string(let fault)? = state["fault"] { try await prepare(fault: fault) }
        if case .string(let variant)? = state["variant"] { try await prepare(variant: variant) }
    }

    private func prepare(fault word: String) async throws {
        switch word {
        case "format_xml": try await admin(.PUT, "behaviour", #"{"error_format":"xml"}"#)
        case "format_plain": try await admin(.PUT, "behaviour", #"{"error_format":"plain"}"#)
        case "json_500": try await fault("error")
        case "html_500": try await fault("error", #"{"format":"html"}"#)
        case "upstream_down_json": try await fault("error", #"{"http_status":502}"#)
        case "upstream_down_xml": try await fault("error", #"{"http_status":502,"format":"xml"}"#)
        case "http_429": try await fault("rate_limited")
        case "flap_stopped_once": try await fault("stale_read", count: 1)
        default: try await fault(word)
        }
    }

    private func prepare(variant word: String) async throws {
        switch word {
        case "noop": try await admin(.PUT, "behaviour", #"{"start_when_running":"noop"}"#)
        case "waha_422": try await admin(.PUT, "behaviour", #"{"start_when_running":"refuse"}"#)
        case "status_201": try await admin(.PUT, "behaviour", #"{"success_status":201}"#)
        case "status_case": try await admin(.PUT, "behaviour", #"{"status_case":"lower"}"#)
        default: try await fault(word)
        }
    }
}
