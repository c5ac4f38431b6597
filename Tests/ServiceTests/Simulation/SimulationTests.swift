import Domain
import Testing

@testable import Service

/// A few seeds, as many as a debug build can run; `scripts/test` has the program run a thousand, days without an engine, and every
/// planted bug.
@Suite("Simulation", .timeLimit(.minutes(5)))
struct SimulationTests {
    @Test
    func `every invariant holds, whatever breaks`() async {
        let report = await SimulationRuns.run(seeds: 30, from: 1)
        #expect(report.seeds == 30)
        #expect(report.failure == nil, "\(report.failure.map { "seed \($0.seed): \($0.violations)" } ?? "")")
        // A simulation in which nothing happens proves nothing.
        #expect(report.events > 600 && report.commands > 300 && report.calls > 3000)
    }

    @Test(arguments: [3, 17] as [UInt64])
    func `the same seed does the same`(seed: UInt64) {
        let first = Simulation.run(seed: seed)
        let second = Simulation.run(seed: seed, keepsHistory: true)
        #expect(first.hash == second.hash && first.jobs == second.jobs && first.calls == second.calls)
        #expect(second.history.count > 100 && first.history.isEmpty)
        #expect(Simulation.run(seed: seed + 1).hash != first.hash)
    }

    @Test
    func `nothing of a run stays in memory`() {
        for seed in 1...5 as ClosedRange<UInt64> { #expect(Simulation.run(seed: seed).isClean) }
    }

    @Test
    func `whatever can go wrong with an engine does, and sessions meet it`() {
        var open = Set(EngineFault.allCases.map(\.rawValue))
        var told = Set(["is answered permanent", "is answered ok WORKING?", "its code is scanned", "is answered auth"])
        for seed in 1...40 as ClosedRange<UInt64> where !open.isEmpty || !told.isEmpty {
            let history = Simulation.run(seed: seed, keepsHistory: true).history
            open = open.filter { fault in
                !history.contains { $0.hasSuffix(": \(fault)") || $0.contains("the engine: \(fault),") }
            }
            told = told.filter { words in !history.contains { $0.contains(words) } }
        }
        #expect(open.isEmpty && told.isEmpty)
    }

    @Test
    func `records are changed, overtaken, withdrawn and told again`() {
        var open = Set(["clock_in at", "clock_out at", "break_start at", "void at", ": superseded", ": parked"])
        for seed in 1...20 as ClosedRange<UInt64> where !open.isEmpty {
            let history = Simulation.run(seed: seed, keepsHistory: true).history
            let ofRecords = history.filter { $0.contains("record r") || $0.contains("has committed r") }
            open = open.filter { words in !ofRecords.contains { $0.contains(words) } }
        }
        #expect(open.isEmpty)
    }

    /// Seeds within which each bug has to be found.
    static let patience = 150

    /// Some of each kind: a wrong value, a wrong decision, a wrong port, a lost wake-up.
    @Test(
        arguments: [
            .gapMissing, .failedIsRestarted, .orderByArrival, .versionsIgnored, .ageUnseen, .wakeLost,
            .unscannedIsRestarted, .arrivalIsWhen, .arrivalIsIdentity, .lastPunchDropped, .departureDenied,
            .unansweredIsProved, .rewritesHistory,
        ] as [PlantedBug]
    )
    func `a planted bug is found, and by the invariant that is there for it`(bug: PlantedBug) async {
        let report = await SimulationRuns.run(seeds: Self.patience, from: 1, planted: bug)
        let found = report.failure?.violations.map(\.invariant) ?? []
        #expect(found.contains(bug.caughtBy), "found \(found) in \(report.seeds) seeds")
    }

    @Test
    func `every invariant catches a planted bug`() {
        let caught = Set(PlantedBug.allCases.map(\.caughtBy))
        #expect(Set(Invariant.allCases).subtracting(caught).isEmpty)
        #expect(Invariant.allCases.count >= 25 && PlantedBug.allCases.count >= 20)
    }
}
