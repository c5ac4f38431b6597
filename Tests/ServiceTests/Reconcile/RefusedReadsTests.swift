import Domain
import Testing

@testable import Service

@Suite("RefusedReads")
struct RefusedReadsTests {
    /// A look that ended so, so many seconds after the first one could.
    struct Ended: Sendable {
        var second: Int64
        var instance: Int64
        var verdict: EngineVerdict

        init(_ second: Int64, _ instance: Int64 = 1, _ verdict: EngineVerdict = .permanent) {
            self.second = second
            self.instance = instance
            self.verdict = verdict
        }
    }

    /// At which seconds it is said that reads prove nothing.
    private func told(_ looks: [Ended]) -> [Int64] {
        let began = Timestamp(seconds: 1_800_000_000)
        let patience = ReconcilePolicy().refusedReadsAfter
        var watch = RefusedReads()
        var seconds: [Int64] = []
        for look in looks {
            let now = began + .seconds(look.second)
            if watch.take(look.verdict, of: look.instance, at: now, patience: patience) { seconds.append(look.second) }
        }
        return seconds
    }

    @Test(arguments: EngineVerdict.allCases)
    func `a fleet of one is told of when its looks are answered and prove nothing for half a minute`(
        verdict: EngineVerdict
    ) {
        let isSuch = [.already, .verify, .errorBody, .permanent].contains(verdict)
        #expect(told((0...7).map { Ended($0 * 5, 1, verdict) }) == (isSuch ? [30, 35] : []))
        #expect(verdict.provesNothingWhenRead == isSuch)
    }

    @Test
    func `two looks are too few, however long ago the first was`() {
        #expect(told([Ended(0), Ended(600)]) == [])
        #expect(told([Ended(0), Ended(600), Ended(601)]) == [601])
    }

    @Test
    func `many looks at once are too early`() {
        let many = (1...100).map { Ended(0, $0) }
        #expect(told(many + [Ended(29), Ended(30)]) == [30])
    }

    @Test(arguments: [EngineVerdict.ok, .missing])
    func `the first proof ends it, and it begins anew`(proof: EngineVerdict) {
        let before = [Ended(0), Ended(20, 2), Ended(40)]
        let after = [Ended(42), Ended(60), Ended(71), Ended(72)]
        #expect(told(before + [Ended(41, 2, proof)] + after) == [40, 72])
    }

    @Test
    func `one session that is answered so beside one that is read is no trouble of the account`() {
        let looks = (0..<100).flatMap { (round: Int64) -> [Ended] in
            [Ended(round * 10), Ended(round * 10 + 3), Ended(round * 10 + 5, 2, .ok)]
        }
        #expect(told(looks) == [])
    }

    @Test(arguments: [EngineVerdict.transient, .unreachable, .ambiguous])
    func `nor is one beside another that has no answer, but both are`(failure: EngineVerdict) {
        let looks = (0..<10).flatMap { (round: Int64) -> [Ended] in
            [Ended(round * 10, 2, failure), Ended(round * 10 + 5)]
        }
        #expect(told(looks) == [])
        #expect(told(looks + [Ended(101, 2)]) == [101])
    }

    @Test
    func `an outage of a fleet of one that ends in refusals is told of`() {
        #expect(told([Ended(0, 1, .unreachable), Ended(10), Ended(20), Ended(40)]) == [40])
    }
}
