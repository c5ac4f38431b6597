import Foundation

/// What came of something that is timed, turn after turn: two of three have to be in time.
///
/// So a machine that is busy for a moment does not decide, and a service that is late every other time is found. With
/// `ROLLCALL_FAULTS=all` the machine has nothing else to do, and each of the three has to be in time.
struct TwoOfThree: Sendable {
    private let turns: Int
    private let late: Int
    private let lateLimit: Int

    /// Counts turns.
    ///
    /// `turns`: whether each was in time; three at the most. `isStrict`: whether none may be late.
    init(
        _ turns: [Bool],
        isStrict: Bool = ProcessInfo.processInfo.environment["ROLLCALL_FAULTS"] == "all"
    ) {
        self.turns = turns.count
        late = turns.count { !$0 }
        lateLimit = isStrict ? 0 : 1
    }

    /// Whether no more turns are needed.
    var isDecided: Bool { holds || late > lateLimit }

    /// Whether so many were in time that no further turn could change it.
    var holds: Bool { turns - late >= 3 - lateLimit }
}
