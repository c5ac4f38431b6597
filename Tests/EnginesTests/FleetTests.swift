import Domain
import EngineSimulator
import NIOHTTP1
import Testing

/// The simulator with as many sessions as a large installation has.
@Suite("A large fleet", .timeLimit(.minutes(3)))
struct FleetTests {
    private static let size = 10_000

    @Test
    func `ten thousand sessions are served, each by itself`() async throws {
        var configuration = SimulatorConfiguration.still
        configuration.sessions = (1...Self.size).map { .init(instanceID: "SIM\($0)", sessionName: "wawp-\($0)") }
        try await withSimulator(configuration) { simulator in
            let engine = try simulator.engine()
            // Every other one is started; the boots end together.
            let started = await answers(to: .start, of: stride(from: 1, through: Self.size, by: 2), engine)
            #expect(started.values.allSatisfy { $0.verdict == .ok } && started.count == Self.size / 2)
            try await simulator.advance(.seconds(5))
            let read = await answers(to: .info, of: stride(from: 1, through: Self.size, by: 1), engine)
            #expect(read.count == Self.size)
            let wrong = read.filter { number, answer in
                answer.reading != .status(number.isMultiple(of: 2) ? .stopped : .working)
            }
            #expect(wrong.isEmpty, "\(wrong.count) of \(Self.size)")
            let counts = try await simulator.admin(.GET, "calls?limit=0")["counts"]
            #expect(counts?["start"] == .number(Double(Self.size / 2)))
            #expect(counts?["info"] == .number(Double(Self.size)))
        }
    }

    /// Makes one call for each of these sessions, 16 at a time.
    private func answers(
        to call: EngineCall,
        of numbers: StrideThrough<Int>,
        _ engine: any SessionEngine
    ) async -> [Int: EngineAnswer] {
        await withTaskGroup(of: (Int, EngineAnswer).self) { group in
            var answers: [Int: EngineAnswer] = [:]
            for (place, number) in numbers.enumerated() {
                if place >= 16, let (done, answer) = await group.next() { answers[done] = answer }
                group.addTask {
                    (number, await engine.send(call, to: SessionAddress(instanceID: "SIM\(number)")))
                }
            }
            for await (done, answer) in group { answers[done] = answer }
            return answers
        }
    }
}
