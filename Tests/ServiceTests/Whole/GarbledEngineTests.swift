import Domain
import EngineSimulator
import LibPQ
import Service
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

    /// Reads that are answered and prove nothing, and what an incident says of them.
    static let refusals: [(Garble, String)] = [
        (Garble(kind: .error, params: #"{"http_status":301,"format":"html"}"#), "HTTP 301"),
        (Garble(kind: .error, params: #"{"http_status":403,"message":"plan is over"}"#), "plan is over"),
        (Garble(kind: .error, params: #"{"http_status":422}"#), "HTTP 422"), (Garble(kind: .empty200), "HTTP 200"),
        (Garble(kind: .errorIn200), "Session closed"),
    ]

    @Test(arguments: refusals)
    func `reads that are answered and prove nothing are one incident, from the first day until one proves something`(
        garble: Garble,
        says: String
    ) async throws {
        try await withRefusedReads { service in
            try await service.engine.fault(garble.kind, on: [.info], params: garble.params)
            try await service.add("ana")
            #expect(try await service.clock("clock-in", "ana", wait: 1).status == 202)
            let incident = try await opened(service)
            #expect(incident.kind == "reads_refused" && incident.detail.contains(says), "\(incident)")
            #expect(incident.detail.hasPrefix("no look proves anything: HTTP "), "\(incident)")
            #expect(try await service.engine.commands().isEmpty)
            try await expectOver(service)
            #expect(try await service.engine.commands() == ["start"])
        }
    }

    @Test
    func `reads that are refused in the middle of a shift are an incident, whoever takes over`() async throws {
        try await withRefusedReads { service in
            try await service.add("ana", "ben")
            #expect(try await service.clock("clock-in", "ana", wait: 30).status == 200)
            try await service.engine.fault(.error, on: [.info], params: #"{"http_status":403}"#)
            #expect(try await opened(service).kind == "reads_refused")
            // As when another takes over, who begins with what is stored.
            _ = try await service.owner.query("UPDATE engine_leases SET holder = NULL")
            try await service.until { try await service.count(Self.held) == 1 }
            try await expectOver(service)
        }
    }

    @Test
    func `one session whose reads are refused beside one that is read is no incident`() async throws {
        try await withRefusedReads { service in
            try await service.add("ana", "ben")
            for agent in ["ana", "ben"] { try await service.until(agent) { $0.condition == "converged" } }
            try await service.engine.fault(.error, ["i-ben"], on: [.info], params: #"{"http_status":403}"#)
            let before = try await service.engine.calls().count
            try await service.until(within: .seconds(60)) {
                let calls = try await service.engine.calls(since: before)
                return calls.count { $0.httpStatus == 403 } >= 4 && calls.count { $0.httpStatus == 200 } >= 4
            }
            #expect(try await service.count("SELECT count(*) AS count FROM incidents") == 0)
        }
    }

    @Test
    func `an engine that refuses some reads and fails others is out, for as long as it does both`() async throws {
        try await withRefusedReads { service in
            try await service.add("ana", "ben")
            for agent in ["ana", "ben"] { try await service.until(agent) { $0.condition == "converged" } }
            try await service.engine.fault(.error, ["i-ana"], on: [.info], params: #"{"http_status":403}"#)
            try await service.engine.fault(.error, ["i-ben"], on: [.info], params: #"{"http_status":503}"#)
            #expect(try await opened(service).kind == "engine_outage")
            let before = try await service.engine.calls().count
            try await service.until(within: .seconds(60)) {
                let calls = try await service.engine.calls(since: before)
                return calls.count { $0.httpStatus == 403 } >= 3 && calls.count { $0.httpStatus == 503 } >= 3
            }
            let incidents = try await known(service)
            #expect(incidents.map(\.kind) == ["engine_outage"] && incidents.first?.closedAt == nil, "\(incidents)")
            try await expectOver(service, "ben")
        }
    }

    /// Runs a service that asks its engine once in a second while nothing succeeds, and tells after three.
    private func withRefusedReads(_ body: @escaping @Sendable (RunningService) async throws -> Void) async throws {
        try await withRunningService(
            {
                $0.policy.refusedReadsAfter = .seconds(3)
                $0.sweep.quiet = .seconds(1)
            },
            body
        )
    }

    private func known(_ service: RunningService) async throws -> [IncidentsView.Incident] {
        try await service.send("GET", "/v1/incidents").decoded(as: IncidentsView.self).items
    }

    /// Waits until an incident is open.
    private func opened(_ service: RunningService) async throws -> IncidentsView.Incident {
        try await service.until { try await known(service).contains { $0.closedAt == nil } }
        let incidents = try await known(service)
        #expect(incidents.count == 1, "\(incidents)")
        return try #require(incidents.first)
    }

    /// Mends the engine and waits until the incident is over, which was the only one.
    private func expectOver(_ service: RunningService, _ agent: String = "ana") async throws {
        #expect(try await service.send("GET", "/readyz").status == 200)
        try await service.engine.mend()
        try await service.until { try await known(service).allSatisfy { $0.closedAt != nil } }
        #expect(try await known(service).count == 1)
        try await service.until(agent) { $0.condition == "converged" }
    }

    private static let held: PQStatement =
        "SELECT count(*) AS count FROM engine_leases l JOIN replicas r ON r.replica = l.holder"

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
