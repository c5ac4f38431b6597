import Domain
import EngineSimulator
import Testing

/// An engine that speaks no JSON, or nothing: nothing breaks, and nothing untrue is shown.
@Suite("A garbled engine", .timeLimit(.minutes(2)))
struct GarbledEngineTests {
    struct Garble: Sendable, CustomTestStringConvertible {
        var kind: FaultKind
        var params = "{}"
        var testDescription: String { "\(kind.rawValue) \(params)" }
    }

    static let garbles = [
        Garble(kind: .error, params: #"{"http_status":502,"format":"xml"}"#),
        Garble(kind: .error, params: #"{"http_status":503,"format":"html"}"#),
        Garble(kind: .error, params: #"{"http_status":500,"format":"plain"}"#),
        Garble(kind: .error, params: #"{"http_status":403,"format":"xml"}"#),
        Garble(kind: .garbage200), Garble(kind: .empty200), Garble(kind: .errorIn200), Garble(kind: .cutReply),
        Garble(kind: .oversize, params: #"{"bytes":4000000}"#), Garble(kind: .dropBeforeEffect),
        Garble(kind: .hang, params: #"{"ms":600000}"#),
        Garble(kind: .rateLimited, params: #"{"retry_after":"soon"}"#),
        Garble(kind: .outage, params: #"{"mode":"503"}"#),
    ]

    @Test(arguments: garbles)
    func `garbled reads prove nothing, and the first clear one mends all`(garble: Garble) async throws {
        try await withRunningService {
            $0.callTimeout = .milliseconds(600)
        } _: { service in
            try await service.engine.fault(garble.kind, on: [.info], params: garble.params)
            try await service.add("ana")
            #expect(try await service.clock("clock-in", "ana", wait: 1).status == 202)
            try await service.until { try await service.engine.calls().count >= 2 }
            let ana = try await service.agent("ana")
            #expect(ana.shift == "in" && ana.desired == "running")
            #expect(ana.observed == nil && ana.condition != "converged")
            #expect(try await service.engine.commands().isEmpty, "nothing is sent before a read proves what is")
            #expect(try await service.send("GET", "/readyz").status == 200)
            try await service.engine.mend()
            try await service.until("ana") { $0.observed == "WORKING" && $0.condition == "converged" }
            #expect(try await service.engine.commands() == ["start"])
        }
    }

    @Test(arguments: garbles)
    func `garbled answers to commands are settled by reading`(garble: Garble) async throws {
        try await withRunningService {
            $0.callTimeout = .milliseconds(600)
        } _: { service in
            try await service.add("ana")
            try await service.until("ana") { $0.condition == "converged" }
            try await service.engine.fault(garble.kind, on: [.start], params: garble.params, count: 1)
            try await service.clock("clock-in", "ana")
            try await service.until("ana") { $0.observed == "WORKING" && $0.condition == "converged" }
            #expect(try await service.engine.status(of: "i-ana") == "WORKING")
            #expect(try await service.engine.commands().count <= 2)
        }
    }
}
