import AsyncHTTPClient
import Domain
import EngineSimulator
import Foundation

/// The simulated engine of one test: how it is moved, and what it saw.
struct EngineWorld: Sendable {
    static let token = "tok_valid_0001"

    let exchange: Exchange

    var port: Int { exchange.port }

    /// One call as the engine's log has it.
    struct Call: Decodable, Sendable {
        var number: Int
        var operation: String
        var instanceId: String
        var effect: String
        /// 0 when no answer was given.
        var httpStatus: Int
        var receivedAtUs: Int64
        var receivedMonotonicUs: Int64
        var answeredMonotonicUs: Int64?

        var isMutating: Bool { operation != "info" && operation != "list" }
    }

    /// Makes or changes sessions.
    func put(_ instances: [String], _ status: String = "STOPPED", isPaired: Bool = true) async throws {
        let sessions = instances.map {
            #"{"instance_id":"\#($0)","session_name":"s-\#($0)","status":"\#(status)","paired":\#(isPaired)}"#
        }
        try await admin("PUT", "sessions", #"{"sessions":[\#(sessions.joined(separator: ","))]}"#)
    }

    /// Orders a fault; `instances` is `nil` for all of them, `operations` for all it can concern.
    func fault(
        _ kind: FaultKind,
        _ instances: [String]? = nil,
        on operations: [EngineCall]? = nil,
        params: String = "{}",
        count: Int? = nil
    ) async throws {
        let scope = instances.map { "[" + $0.map { "\"\($0)\"" }.joined(separator: ",") + "]" } ?? "\"all\""
        var order = #"{"kind":"\#(kind.rawValue)","scope":\#(scope),"params":\#(params)"#
        if let operations {
            order += #","operations":[\#(operations.map { "\"\($0.rawValue)\"" }.joined(separator: ","))]"#
        }
        if let count { order += #","count":\#(count)"# }
        try await admin("PUT", "faults", order + "}")
    }

    /// Orders a fault for the calls that list sessions.
    func faultLists(_ kind: FaultKind, params: String = "{}", count: Int? = nil) async throws {
        let count = count.map { #","count":\#($0)"# } ?? ""
        let order = #"{"kind":"\#(kind.rawValue)","scope":"all","operations":["list"],"params":\#(params)\#(count)}"#
        try await admin("PUT", "faults", order)
    }

    /// Ends all faults; what they did to sessions stays.
    func mend() async throws {
        try await admin("DELETE", "faults")
    }

    /// A person scans the code of every session.
    func scan() async throws {
        try await admin("POST", "scan", #"{"scope":"all"}"#)
    }

    /// A session as it is, whatever anybody says.
    struct Session: Decodable, Sendable {
        var instanceId: String
        var status: String
        /// Whether a telephone is linked.
        var paired: Bool
    }

    /// `nil` for a session that does not exist.
    func session(_ instance: String) async throws -> Session? {
        struct Sessions: Decodable {
            var sessions: [Session]
        }
        let answer: Sessions = try await admin("GET", "sessions").decoded()
        return answer.sessions.first { $0.instanceId == instance }
    }

    func status(of instance: String) async throws -> String? {
        try await session(instance)?.status
    }

    /// Lets the engine's clock jump forward, in its own seconds.
    func advance(_ seconds: Int64) async throws {
        try await admin("PUT", "clock", #"{"advance_ms":\#(seconds * 1000)}"#)
    }

    /// The call log, oldest first; of one instance alone if it is named.
    func calls(of instance: String? = nil, since number: Int = 0) async throws -> [Call] {
        struct Log: Decodable {
            var calls: [Call]
        }
        let log: Log = try await admin("GET", "calls?since=\(number)").decoded()
        return log.calls.filter { instance == nil || $0.instanceId == instance }
    }

    /// The calls that change sessions.
    func commands(of instance: String? = nil, since number: Int = 0) async throws -> [String] {
        try await calls(of: instance, since: number).filter(\.isMutating).map(\.operation)
    }

    @discardableResult
    func admin(_ method: String, _ path: String, _ json: String? = nil) async throws -> WireResponse {
        let answer = try await exchange.send(method, "/_sim/\(path)", body: json)
        guard answer.status == 200 else { throw Refused(answer: answer.text) }
        return answer
    }

    struct Refused: Error {
        var answer: String
    }
}

/// Runs a simulated engine for the length of the body.
func withEngine(
    _ configuration: SimulatorConfiguration,
    client: HTTPClient,
    _ body: @escaping @Sendable (EngineWorld) async throws -> Void
) async throws {
    var configuration = configuration
    configuration.port = 0
    configuration.tokens = [EngineWorld.token]
    let finished = configuration
    let (ports, port) = AsyncStream<Int>.makeStream()
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
            defer { port.finish() }
            try await EngineSimulator(finished).run { port.yield($0) }
        }
        for await number in ports {
            try await body(EngineWorld(exchange: Exchange(client: client, port: number)))
            break
        }
        group.cancelAll()
    }
}
