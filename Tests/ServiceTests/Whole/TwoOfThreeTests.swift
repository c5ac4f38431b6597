import Testing

/// How many turns may be late.
@Suite("TwoOfThree")
struct TwoOfThreeTests {
    @Test
    func `two of three in time are enough beside all other tests, and decide as soon as they are there`() {
        for (turns, isDecided, holds) in [
            ([true], false, false), ([true, true], true, true), ([true, false], false, false),
            ([false, false], true, false), ([true, false, true], true, true), ([false, true, false], true, false),
        ] as [([Bool], Bool, Bool)] {
            let outcome = TwoOfThree(turns, isStrict: false)
            #expect(outcome.isDecided == isDecided && outcome.holds == holds, "\(turns)")
        }
    }

    @Test
    func `where the machine has nothing else to do each has to be in time`() {
        for (turns, isDecided, holds) in [
            ([true], false, false), ([true, true], false, false), ([false], true, false),
            ([true, true, false], true, false), ([true, true, true], true, true),
        ] as [([Bool], Bool, Bool)] {
            let outcome = TwoOfThree(turns, isStrict: true)
            #expect(outcome.isDecided == isDecided && outcome.holds == holds, "\(turns)")
        }
    }
}
