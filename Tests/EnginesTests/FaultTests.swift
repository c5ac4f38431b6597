import Domain
import EngineSimulator
import Engines
import NIOHTTP1
import Testing

/// What a fault is for: how often, whom, how long.
@Suite("Faults", .serialized)
struct FaultTests {
    @Test func `a fault with a count strikes so often and no more`() async throws {
        try await withSimulator { simulator in
            try await simulator.fault("error", count: 2)
            let engine = try simulator.engine()
            var verdicts: [EngineVerdict] = []
            for _ in 0..<3 { verdicts.append(await engine.send(.info, to: Simulator.session).verdict) }
            #expect(verdicts == [.transient, .transient, .ok])
        }
    }

    @Test func `a fault strikes only the sessions, the calls and the time it is for`() async throws {
        try await withSimulator { simulator in
            try await simulator.admin(.POST, "sessions", #"{"count":2,"instance_id":"S{n}","status":"WORKING"}"#)
            try await simulator.admin(
                .PUT,
                "faults",
                #"{"kind":"error","scope":["S1"],"operations":["stop"],"for_ms":60000}"#
            )
            let engine = try simulator.engine()
            let first = SessionAddress(instanceID: "S1")
            #expect(await engine.send(.info, to: first).verdict == .ok)
            #expect(await engine.send(.stop, to: first).verdict == .transient)
            #expect(await engine.send(.stop, to: SessionAddress(instanceID: "S2")).verdict == .ok)
            try await simulator.advance(.seconds(60))
            #expect(await engine.send(.stop, to: first).verdict == .ok)
        }
    }

    @Test(arguments: [
        #"{"kind":"no_such","scope":"all"}"#, #"{"kind":"slow"}"#, "{", #"{"kind":"slow","scope":"all","count":0}"#,
    ])
    func `an order that makes no sense is refused`(order: String) async throws {
        try await withSimulator { simulator in
            let reply = try await simulator.raw(.PUT, "/_sim/faults", body: order)
            #expect(reply.status == 400)
        }
    }
}
