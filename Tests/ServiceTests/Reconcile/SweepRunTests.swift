import Testing

@testable import Service

@Suite("SweepRun", .timeLimit(.minutes(1)))
struct SweepRunTests {
    @Test func `whoever waits is let go at the end of the last look`() async {
        let run = SweepRun()
        run.expect(looks: 1)
        run.allExpected()
        async let waited: Void = run.wait()
        run.look(succeeded: true)
        await waited
        #expect(run.isOver && run.counts.read == 1)
    }

    @Test func `nobody waits for a sweep that was given up, also when that came first`() async {
        let run = SweepRun()
        run.expect(looks: 1)
        run.giveUp()
        await run.wait()
        #expect(!run.isOver)
    }
}
