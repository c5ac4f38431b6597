import AsyncHTTPClient
import Domain
import EngineSimulator
import Engines
import Synchronization
import Testing

/// What a call does that has to wait for a connection: here for the only one, which another call has.
@Suite("Departures", .timeLimit(.minutes(1)))
struct DepartureTests {
    /// For how much longer calls may leave, and how often each left.
    private final class Lease: Sendable {
        private let end: Mutex<ContinuousClock.Instant>
        private let asked = Mutex(0)
        private let left = Mutex(0)

        init(lasts time: Duration) { end = Mutex(.now + time) }

        func prolong(by time: Duration) { end.withLock { $0 += time } }

        var askedCount: Int { asked.withLock { $0 } }
        var leftCount: Int { left.withLock { $0 } }

        var departure: CallDeparture {
            CallDeparture { [self] in
                asked.withLock { $0 += 1 }
                return end.withLock { $0 } - .now
            } hasLeft: { [self] in
                left.withLock { $0 += 1 }
            }
        }
    }

    /// Runs `body` with an engine that has one connection, while a call that takes `time` keeps it.
    private func withBusyConnection(
        for time: Duration,
        _ body: @escaping @Sendable (Simulator, WawpEngine) async throws -> Void
    ) async throws {
        var running = SimulatorConfiguration.still
        running.speed = 1
        try await withSimulator(running) { simulator in
            let client = HTTPClient.engine(concurrency: 1)
            do {
                let account = EngineAccount(
                    baseURL: simulator.baseURL,
                    token: "tok_valid_0001",
                    placement: .body,
                    timeout: .seconds(20)
                )
                let engine = try WawpEngine(account, client: client)
                try await simulator.fault("slow", #"{"ms":\#(time.microseconds / 1000)}"#, operations: "info")
                let first = Lease(lasts: .seconds(20))
                async let busy = engine.send(.info, to: Simulator.session, departure: first.departure)
                while first.leftCount == 0 { try await Task.sleep(for: .milliseconds(5)) }
                try await body(simulator, engine)
                #expect(await busy.verdict == .ok)
                #expect(first.leftCount == 1)
            } catch {
                try await client.shutdown()
                throw error
            }
            try await client.shutdown()
        }
    }

    private func operations(_ simulator: Simulator) async throws -> [String] {
        try await simulator.calls().compactMap { $0["operation"]?.text }
    }

    @Test
    func `a command that waits is taken back once its lease is over, and never reaches the engine`() async throws {
        try await withBusyConnection(for: .milliseconds(1500)) { simulator, engine in
            let lease = Lease(lasts: .milliseconds(200))
            let answer = await engine.send(.stop, to: Simulator.session, departure: lease.departure)
            #expect(answer.verdict == .notSent)
            #expect(lease.leftCount == 0)
            // The connection is free again, and whatever was left in line would use it now.
            let next = Lease(lasts: .seconds(20))
            #expect(await engine.send(.start, to: Simulator.session, departure: next.departure).verdict != .notSent)
            #expect(next.leftCount == 1)
            let operations = try await operations(simulator)
            #expect(operations == ["info", "start"])
        }
    }

    @Test
    func `a lease that is prolonged meanwhile lets it leave`() async throws {
        try await withBusyConnection(for: .milliseconds(1000)) { simulator, engine in
            let lease = Lease(lasts: .milliseconds(300))
            async let answer = engine.send(.start, to: Simulator.session, departure: lease.departure)
            try await Task.sleep(for: .milliseconds(100))
            lease.prolong(by: .seconds(10))
            #expect(await answer.verdict == .ok)
            #expect(lease.leftCount == 1)
            #expect(lease.askedCount > 1, "it was asked again after its first end")
            let operations = try await operations(simulator)
            #expect(operations == ["info", "start"])
        }
    }

    @Test
    func `a pairing read is bound as well`() async throws {
        try await withBusyConnection(for: .milliseconds(800)) { simulator, engine in
            let lease = Lease(lasts: .milliseconds(100))
            let answer = await engine.pairing(.qr, of: Simulator.session, departure: lease.departure)
            #expect(!answer.wasSent && lease.leftCount == 0)
        }
    }
}
