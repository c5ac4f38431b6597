import Domain
import EngineSimulator
import LibPQ
import Service
import Synchronization
import Testing

/// An engine that nothing is asked of: whether it answers is found out all the same.
@Suite("Silence", .timeLimit(.minutes(5)))
struct SilenceTests {
    @Test
    func `an engine that falls silent while nothing is due is noticed within 10 s, whatever keeps it`() async throws {
        // Side by side, since all of it is waiting: each has a service, a database and an engine of its own.
        try await withThrowingTaskGroup(of: Void.self) { group in
            for mode in ["hang", "drop", "503"] { group.addTask { try await Self.expectNoticed(mode) } }
            try await group.waitForAll()
        }
    }

    /// `mode`: how the engine falls silent.
    private static func expectNoticed(_ mode: String) async throws {
        try await withRunningService { service in
            try await service.add("ana", "ben", "eve")
            for agent in ["ana", "ben", "eve"] { try await service.until(agent) { $0.condition == "converged" } }
            // What fails to serve one session is no outage yet, so that takes a second look.
            let limit = mode == "503" ? 15.0 : 10.0
            var delays: [(silence: Double, outage: Double)] = []
            var turns: TwoOfThree
            repeat {
                try await service.untilQuiet()
                let began = ContinuousClock.now
                try await service.engine.fault(.outage, params: #"{"mode":"\#(mode)"}"#)
                try await service.until(within: .seconds(60)) { try await service.count(Self.silences) == 1 }
                let silence = (ContinuousClock.now - began).seconds
                try await service.until(within: .seconds(60)) { try await service.count(Self.outages) == 1 }
                delays.append((silence, (ContinuousClock.now - began).seconds))
                try await service.engine.mend()
                try await service.until(within: .seconds(60)) { try await service.count(Self.outages) == 0 }
                try await service.until(within: .seconds(60)) { try await service.count(Self.silences) == 0 }
                turns = TwoOfThree(delays.map { $0.silence < 10 && $0.outage < limit })
            } while !turns.isDecided
            print("silence (\(mode)) is stored, and an outage, after \(delays) s")
            #expect(turns.holds, "\(mode): \(delays)")
            #expect(try await service.engine.commands() == [], "nobody's session was touched (\(mode))")
        }
    }

    @Test
    func `an engine that hangs while calls wait in line is out within 10 s`() async throws {
        // The first two side by side as well; as a rule they decide.
        var delays = try await withThrowingTaskGroup(of: Double.self) { group in
            for _ in 0..<2 { group.addTask { try await Self.outageOfHanging() } }
            var measured: [Double] = []
            for try await delay in group { measured.append(delay) }
            return measured
        }
        var turns = TwoOfThree(delays.map { $0 < 10 })
        while !turns.isDecided {
            delays.append(try await Self.outageOfHanging())
            turns = TwoOfThree(delays.map { $0 < 10 })
        }
        print("an outage with calls in line is stored after \(delays) s")
        #expect(turns.holds, "\(delays)")
    }

    /// For how many seconds an engine hangs, while calls to it wait in line, until an outage of it is stored.
    private static func outageOfHanging() async throws -> Double {
        let delay = Mutex(Double.infinity)
        try await withRunningService { setup in
            // Both lanes are taken at once, and no time-outs add up to an outage before.
            setup.concurrency = 2
            setup.callTimeout = .seconds(25)
        } _: { service in
            let agents = (1...6).map { "a\($0)" }
            try await service.engine.put(agents.map { "i-\($0)" })
            for agent in agents { try await service.put(agent) }
            for agent in agents { try await service.until(agent) { $0.condition == "converged" } }
            try await service.engine.fault(.outage, params: #"{"mode":"hang"}"#)
            let began = ContinuousClock.now
            for agent in agents { try await service.clock("clock-in", agent) }
            try await service.until(within: .seconds(60)) { try await service.count(Self.outages) == 1 }
            let seconds = (ContinuousClock.now - began).seconds
            delay.withLock { $0 = seconds }
            try await service.engine.mend()
            try await service.until(within: .seconds(90)) { try await service.count(Self.outages) == 0 }
        }
        return delay.withLock { $0 }
    }

    @Test
    func `an engine that answers is asked for one session after the other, once in so long, and all is quiet`()
        async throws
    {
        try await withRunningService { setup in
            setup.sweep.quiet = .seconds(2)
        } _: { service in
            try await service.add("ana", "ben", "eve")
            for agent in ["ana", "ben", "eve"] { try await service.until(agent) { $0.condition == "converged" } }
            let before = try await service.engine.calls().count
            try await service.until(within: .seconds(60)) { try await service.engine.calls(since: before).count >= 4 }
            let looks = try await service.engine.calls(since: before - 1)
            #expect(looks.dropFirst().allSatisfy { $0.operation == "info" })
            for (one, next) in zip(looks, looks.dropFirst()) {
                #expect(next.receivedMonotonicUs - one.receivedMonotonicUs >= 1_900_000, "\(looks)")
            }
            #expect(Set(looks.dropFirst().prefix(3).map(\.instanceId)).count == 3, "the stalest each time")
            #expect(try await service.count("SELECT count(*) AS count FROM incidents") == 0)
            #expect(try await service.count(Self.silences) == 0)
        }
    }

    @Test
    func `one session that the engine cannot serve makes no outage`() async throws {
        try await withRunningService { setup in
            // Longer than what makes a silence an outage, so that the failure of one look lasts for long enough.
            setup.sweep.quiet = .seconds(4)
        } _: { service in
            try await service.add("ana", "ben", "eve")
            for agent in ["ana", "ben", "eve"] { try await service.until(agent) { $0.condition == "converged" } }
            try await service.engine.fault(.error, ["i-ben"], on: [.info])
            let before = try await service.engine.calls().count
            try await service.until(within: .seconds(60)) {
                let calls = try await service.engine.calls(since: before)
                return calls.contains { $0.instanceId == "i-ben" } && calls.count >= 4
            }
            #expect(try await service.count("SELECT count(*) AS count FROM incidents") == 0)
        }
    }

    @Test
    func `a fleet without instances asks nothing`() async throws {
        try await withRunningService { setup in
            setup.sweep.quiet = .seconds(1)
        } _: { service in
            try await service.until { try await service.count(Self.leases) == 1 }
            // So long that three looks would have been made.
            try await service.pause(4)
            #expect(try await service.engine.calls().isEmpty)
        }
    }

    private static let leases: PQStatement = "SELECT count(*) AS count FROM engine_leases WHERE holder IS NOT NULL"
    private static let silences: PQStatement =
        "SELECT count(*) AS count FROM engine_pulses WHERE silent_since IS NOT NULL AND beat_at > now() - interval '3 s'"
    private static let outages: PQStatement =
        "SELECT count(*) AS count FROM incidents WHERE kind = 'engine_outage' AND closed_at IS NULL"
}

extension RunningService {
    /// Waits until nothing is under way: the engine was just asked for the second time after a quiet while.
    fileprivate func untilQuiet() async throws {
        try await until(within: .seconds(60)) {
            let last = try await engine.calls().suffix(2)
            guard last.count == 2, let first = last.first, let second = last.last else { return false }
            return second.receivedMonotonicUs - first.receivedMonotonicUs > 4_900_000 && second.httpStatus == 200
        }
    }
}

extension Duration {
    fileprivate var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
