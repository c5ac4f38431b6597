import Foundation
import Testing

@Suite("rollcall simulate", .timeLimit(.minutes(3)))
struct SimulateCommandTests {
    private struct Report: Decodable, Equatable {
        struct Failure: Decodable, Equatable {
            var seed: UInt64
            var invariants: [String]
        }

        var seeds: Int
        var hash: String
        var events: Int
        var calls: Int
        var failure: Failure?
    }

    private static func report(_ output: String) throws -> Report {
        try JSONDecoder().decode(Report.self, from: Data(output.utf8))
    }

    @Test
    func `two processes do the same with the same seeds`() async throws {
        let first = try await RollcallProcess.run("simulate", "--seeds", "6", "--seed", "40", "--json", settings: [:])
        let second = try await RollcallProcess.run(
            "simulate",
            "--seeds",
            "6",
            "--seed",
            "40",
            "--workers",
            "1",
            "--json",
            settings: [:]
        )
        #expect(first.code == 0 && second.code == 0, "\(first.output)\(second.output)")
        let report = try Self.report(first.output)
        #expect(report == (try Self.report(second.output)))
        #expect(report.seeds == 6 && report.events > 0 && report.calls > 0 && report.failure == nil)
    }

    @Test
    func `a seed that fails is exit code 1, with its invariant and its history`() async throws {
        let run = try await RollcallProcess.run(
            "simulate",
            "--seeds",
            "20",
            "--planted",
            "gap-missing",
            "--history",
            "5",
            settings: [:]
        )
        #expect(run.code == 1)
        #expect(run.output.contains("gap-kept: ") && run.output.contains("VIOLATED gap-kept"))
        #expect(run.output.contains("again: rollcall simulate --seeds 1 --seed "))
        #expect(!run.output.contains("did something else"))
    }

    @Test
    func `the list names every invariant and every bug`() async throws {
        let run = try await RollcallProcess.run("simulate", "--list", settings: [:])
        #expect(run.code == 0)
        let lines = run.output.split(separator: "\n")
        #expect(lines.count { $0.hasPrefix("invariant ") } >= 25)
        #expect(lines.count { $0.hasPrefix("planted ") } >= 20)
    }
}
