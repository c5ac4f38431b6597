import AsyncHTTPClient
import Domain
import EngineSimulator
import FoundationEssentials
import NIOHTTP1
import Testing

@testable import Engines

@Suite("WawpEngine", .serialized)
struct WawpEngineTests {
    @Test(arguments: EngineAccount.TokenPlacement.allCases, EngineCall.allCases)
    func `every placement works for every call where the engine takes no other`(
        placement: EngineAccount.TokenPlacement,
        call: EngineCall
    ) async throws {
        try await withSimulator { simulator in
            try await simulator.admin(.PUT, "behaviour", #"{"token_placements":["\#(placement.rawValue)"]}"#)
            try await simulator.put(call == .start ? "STOPPED" : "WORKING")
            let answer = try await simulator.engine(placement).send(call, to: Simulator.session)
            #expect(answer.verdict == .ok)
            #expect(try await simulator.calls().last?["operation"] == .string(call.rawValue))
        }
    }

    @Test(
        arguments: EngineAccount.TokenPlacement.allCases,
        ["a\"b\\c", "a&b=c?d#e", "a%2Fb/c d", "123456789", "{\"x\":1}"]
    )
    func `an instance id arrives as it is`(placement: EngineAccount.TokenPlacement, instanceID: String) async throws {
        var configuration = SimulatorConfiguration.still
        configuration.sessions = [.init(instanceID: instanceID, sessionName: "odd", status: .working)]
        try await withSimulator(configuration) { simulator in
            let answer = try await simulator.engine(placement).send(.info, to: SessionAddress(instanceID: instanceID))
            #expect(answer.verdict == .ok)
            #expect(answer.status == .working)
        }
    }

    @Test func `an id that no header can carry is a setting's fault, not a crash`() async throws {
        try await withSimulator { simulator in
            let session = SessionAddress(instanceID: "a\r\nx: y")
            let inHeader = try simulator.engine(.bearer)
            let inBody = try simulator.engine(.body)
            #expect(await inHeader.send(.stop, to: session).verdict == .permanent)
            #expect(await inBody.send(.stop, to: session).verdict == .missing)
        }
    }

    @Test(
        arguments: [
            ("ftp://x", EngineAccountError.baseURL), ("", .baseURL), ("http://", .baseURL), ("https://x y", .baseURL),
            ("https://api.wawp.net/v2", .addedPath), ("https://api.wawp.net/v2/", .addedPath), ("https://x?y", .query),
            ("https://user:pass@x", .query), ("https://x/#y", .query),
        ]
    )
    func `a base URL that cannot work is refused`(url: String, error: EngineAccountError) {
        #expect(throws: error) { try WawpRequests(EngineAccount(baseURL: url, token: "t0ken")) }
    }

    @Test(arguments: ["", "a b", "a\nb", "tök"])
    func `a token that no header can carry is refused`(token: String) {
        #expect(throws: EngineAccountError.token) {
            try WawpRequests(EngineAccount(baseURL: "https://x", token: token))
        }
    }

    @Test func `a path in front and a trailing slash are kept and dropped`() throws {
        let requests = try WawpRequests(EngineAccount(baseURL: "https://x/wawp/", token: "t0ken"))
        #expect(requests.request(.stop, instanceID: "i")?.url.absoluteString == "https://x/wawp/v2/session/stop")
    }
}
