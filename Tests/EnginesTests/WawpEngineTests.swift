import AsyncHTTPClient
import Domain
import EngineSimulator
import FoundationEssentials
import NIOHTTP1
import Testing

@testable import Engines

@Suite("WawpEngine", .serialized)
struct WawpEngineTests {
    @Test(arguments: WawpAccount.TokenPlacement.allCases, EngineCall.allCases)
    func `every placement works for every call where the engine takes no other`(
        placement: WawpAccount.TokenPlacement,
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
        arguments: WawpAccount.TokenPlacement.allCases,
        ["a\"b\\c", "a&b=c?d#e", "a%2Fb/c d", "123456789", "{\"x\":1}"]
    )
    func `an instance id arrives as it is`(placement: WawpAccount.TokenPlacement, instanceID: String) async throws {
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

    @Test(arguments: EngineCall.allCases)
    func `a connection that is refused had no effect`(call: EngineCall) async throws {
        let client = WawpEngine.makeClient(concurrency: 1)
        // Nobody listens on port 1.
        let engine = try WawpEngine(WawpAccount(baseURL: "http://127.0.0.1:1", token: "secret-token"), client: client)
        let answer = await engine.send(call, to: Simulator.session)
        #expect(answer.verdict == .unreachable)
        #expect(answer.httpStatus == nil)
        #expect(!answer.detail.isEmpty)
        try await client.shutdown()
    }

    @Test func `a cancelled call ends early and its outcome is unknown`() async throws {
        try await withSimulator { simulator in
            try await simulator.fault("hang")
            let engine = try simulator.engine(timeout: .seconds(600))
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

    @Test(
        arguments: [
            ("ftp://x", WawpAccountError.baseURL), ("", .baseURL), ("http://", .baseURL), ("https://x y", .baseURL),
            ("https://api.wawp.net/v2", .version), ("https://api.wawp.net/v2/", .version), ("https://x?y", .query),
            ("https://user:pass@x", .query), ("https://x/#y", .query),
        ]
    )
    func `a base URL that cannot work is refused`(url: String, error: WawpAccountError) {
        #expect(throws: error) { try WawpRequests(WawpAccount(baseURL: url, token: "t0ken")) }
    }

    @Test(arguments: ["", "a b", "a\nb", "tök"])
    func `a token that no header can carry is refused`(token: String) {
        #expect(throws: WawpAccountError.token) {
            try WawpRequests(WawpAccount(baseURL: "https://x", token: token))
        }
    }

    @Test func `a path in front and a trailing slash are kept and dropped`() throws {
        let requests = try WawpRequests(WawpAccount(baseURL: "https://x/wawp/", token: "t0ken"))
        #expect(requests.request(.stop, instanceID: "i")?.url.absoluteString == "https://x/wawp/v2/session/stop")
    }

    @Test func `neither account nor engine prints its token`() async throws {
        let client = WawpEngine.makeClient(concurrency: 1)
        for placement in WawpAccount.TokenPlacement.allCases {
            let account = WawpAccount(baseURL: "https://x", token: "very-secret", placement: placement)
            let engine = try WawpEngine(account, client: client)
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
