import Domain
import EngineSimulator
import Engines
import NIOHTTP1
import Testing

/// What sessions do as simulated time passes.
@Suite("Simulated sessions", .serialized)
struct SessionTimeTests {
    private static func status(_ simulator: Simulator) async throws -> SessionStatus? {
        try await simulator.engine().send(.info, to: Simulator.session).status
    }

    @Test(arguments: [(true, SessionStatus.working), (false, .scanQRCode)])
    func `a boot ends after its time, by pairing`(isPaired: Bool, end: SessionStatus) async throws {
        try await withSimulator { simulator in
            try await simulator.put("STOPPED", isPaired: isPaired)
            let answer = try await simulator.engine().send(.start, to: Simulator.session)
            #expect(answer.status == .starting)
            try await simulator.advance(.milliseconds(4999))
            #expect(try await Self.status(simulator) == .starting)
            try await simulator.advance(.milliseconds(1))
            #expect(try await Self.status(simulator) == end)
        }
    }

    @Test func `a scan makes a waiting session work`() async throws {
        try await withSimulator { simulator in
            try await simulator.put("SCAN_QR_CODE", isPaired: false)
            try await simulator.admin(.POST, "scan", #"{"scope":"all"}"#)
            #expect(try await Self.status(simulator) == .working)
        }
    }

    struct Row: Sendable, CustomTestStringConvertible {
        var kind: String
        var params = "{}"
        /// What is done after the fault was ordered.
        var call: EngineCall?
        var from = "WORKING"
        /// The statuses seen after 0, 10 and 70 s.
        var then: [SessionStatus]

        var testDescription: String { "\(kind) from \(from)" }
    }

    @Test(
        arguments: [
            Row(kind: "stuck_starting", call: .restart, then: [.starting, .starting, .starting]),
            Row(kind: "failed", then: [.failed, .failed, .failed]),
            Row(kind: "failed", call: .start, from: "STOPPED", then: [.starting, .failed, .failed]),
            Row(kind: "needs_qr", then: [.scanQRCode, .scanQRCode, .scanQRCode]),
            Row(kind: "needs_qr", call: .start, from: "STOPPED", then: [.starting, .scanQRCode, .scanQRCode]),
            Row(kind: "self_stop", then: [.stopped, .stopped, .stopped]),
            Row(kind: "self_stop", params: #"{"after_ms":30000}"#, then: [.working, .working, .stopped]),
            Row(kind: "self_start", from: "STOPPED", then: [.starting, .working, .working]),
            Row(kind: "self_restart", then: [.starting, .working, .working]),
            Row(kind: "flicker", params: #"{"ms":15000}"#, then: [.stopped, .stopped, .working]),
            Row(kind: "flicker", params: #"{"word":"STARTING","ms":5000}"#, then: [.starting, .working, .working]),
            Row(kind: "resurrect", call: .stop, then: [.stopped, .stopped, .working]),
            Row(kind: "start_wins", call: .stop, from: "STARTING", then: [.stopped, .working, .working]),
        ]
    )
    func `a fault of the session shows over time`(row: Row) async throws {
        try await withSimulator { simulator in
            try await simulator.put(row.from)
            if row.from == "STARTING" {
                try await simulator.put("STOPPED")
                _ = try await simulator.engine().send(.start, to: Simulator.session)
            }
            try await simulator.fault(row.kind, row.params)
            if let call = row.call {
                #expect(try await simulator.engine().send(call, to: Simulator.session).verdict == .ok)
            }
            var seen: [SessionStatus?] = [try await Self.status(simulator)]
            try await simulator.advance(.seconds(10))
            seen.append(try await Self.status(simulator))
            try await simulator.advance(.seconds(60))
            seen.append(try await Self.status(simulator))
            #expect(seen == row.then)
        }
    }

    @Test func `a session that vanished is missing`() async throws {
        try await withSimulator { simulator in
            try await simulator.fault("vanish")
            #expect(try await simulator.engine().send(.info, to: Simulator.session).verdict == .missing)
        }
    }

    @Test func `one read may be wrong and the next right`() async throws {
        try await withSimulator { simulator in
            try await simulator.put("WORKING")
            try await simulator.fault("stale_read", #"{"word":"FAILED"}"#, count: 1)
            _ = try await simulator.engine().send(.start, to: Simulator.session)
            #expect(try await Self.status(simulator) == .failed)
            #expect(try await Self.status(simulator) == .working)
        }
    }

    @Test(arguments: [
        ("refuse", EngineVerdict.transient, SessionStatus.stopped), ("accept", .ok, .working), ("fail", .ok, .failed),
    ])
    func `a start too soon after a stop does as the switch says`(
        word: String,
        verdict: EngineVerdict,
        end: SessionStatus
    ) async throws {
        try await withSimulator { simulator in
            try await simulator.admin(.PUT, "behaviour", #"{"start_too_soon":"\#(word)"}"#)
            try await simulator.put("WORKING")
            let engine = try simulator.engine()
            #expect(await engine.send(.stop, to: Simulator.session).verdict == .ok)
            try await simulator.advance(.milliseconds(2999))
            #expect(await engine.send(.start, to: Simulator.session).verdict == verdict)
            try await simulator.advance(.seconds(10))
            #expect(try await Self.status(simulator) == end)
            #expect(await engine.send(.start, to: Simulator.session).verdict == .ok)
        }
    }

    @Test func `a session nobody made comes to life where the switch says so`() async throws {
        try await withSimulator { simulator in
            let engine = try simulator.engine()
            let stranger = SessionAddress(instanceID: "stranger")
            #expect(await engine.send(.info, to: stranger).verdict == .missing)
            try await simulator.admin(.PUT, "behaviour", #"{"auto_create":true}"#)
            #expect(await engine.send(.info, to: stranger).status == .stopped)
        }
    }

    @Test func `the same seed gives the same boot times`() async throws {
        var configuration = SimulatorConfiguration.still
        configuration.bootTime = .seconds(2) ... .seconds(8)
        configuration.seed = 7
        var runs: [[SessionStatus: Int]] = []
        for _ in 0..<2 {
            let (counts, found) = AsyncStream<[SessionStatus: Int]>.makeStream()
            try await withSimulator(configuration) { simulator in
                try await simulator.admin(.POST, "sessions", #"{"count":50,"instance_id":"S{n}"}"#)
                try await simulator.admin(.PUT, "faults", #"{"kind":"self_start","scope":"all"}"#)
                try await simulator.advance(.seconds(5))
                let engine = try simulator.engine()
                var count: [SessionStatus: Int] = [:]
                for number in 1...50 {
                    let answer = await engine.send(.info, to: SessionAddress(instanceID: "S\(number)"))
                    if let status = answer.status { count[status, default: 0] += 1 }
                }
                found.yield(count)
            }
            found.finish()
            for await count in counts { runs.append(count) }
        }
        #expect(runs[0] == runs[1])
        #expect((10...40).contains(runs[0][.working] ?? 0))
    }

    // Source: WAHA's docs, "Sessions": 60 s, then five times 20 s. Wawp's pages name no end.
    @Test(arguments: [(EngineKind.waha, SessionStatus.failed), (.wawp, .scanQRCode)])
    func `codes that nobody scans run out where the engine says so`(kind: EngineKind, end: SessionStatus) async throws {
        try await withSimulator { simulator in
            try await simulator.put("STOPPED", isPaired: false)
            let engine = try simulator.engine(kind)
            #expect(await engine.send(.start, to: Simulator.session).verdict == .ok)
            try await simulator.advance(.seconds(5) + .milliseconds(159_999))
            #expect(await engine.send(.info, to: Simulator.session).status == .scanQRCode)
            try await simulator.advance(.milliseconds(1))
            #expect(await engine.send(.info, to: Simulator.session).status == end)
            try await simulator.advance(.seconds(86_400))
            #expect(await engine.send(.info, to: Simulator.session).status == end)
        }
    }

    @Test func `each boot has codes of its own, and a scan ends them`() async throws {
        try await withSimulator { simulator in
            try await simulator.put("WORKING")
            let engine = try simulator.wahaEngine(token: "tok_valid_0001")
            #expect(await engine.send(.info, to: Simulator.session).status == .working)
            try await simulator.fault("needs_qr")
            try await simulator.advance(.seconds(160))
            #expect(await engine.list().statuses[Simulator.instance] == .failed)
            #expect(await engine.send(.restart, to: Simulator.session).verdict == .ok)
            try await simulator.advance(.seconds(150))
            #expect(await engine.send(.info, to: Simulator.session).status == .scanQRCode)
            try await simulator.admin(.POST, "scan", #"{"scope":"all"}"#)
            try await simulator.advance(.seconds(600))
            #expect(await engine.send(.info, to: Simulator.session).status == .working)
        }
    }

    @Test func `a session that asks before any call names it runs out as well, also where lists alone name it`()
        async throws
    {
        try await withSimulator { simulator in
            try await simulator.put("SCAN_QR_CODE", isPaired: false)
            let engine = try simulator.wahaEngine(token: "tok_valid_0001")
            try await simulator.advance(.seconds(90))
            #expect(await engine.list().statuses[Simulator.instance] == .scanQRCode)
            try await simulator.advance(.seconds(70))
            #expect(await engine.list().statuses[Simulator.instance] == .failed)
        }
    }
}
