/// What came of something that is timed, turn after turn: two of three have to be in time.
///
/// So a machine that is busy for a moment does not decide, and a service that is late every other time is found.
struct TwoOfThree: Sendable {
    private let inTime: Int
    private let late: Int

    /// `turns`: whether each was in time; three at the most.
    init(_ turns: [Bool]) {
        inTime = turns.count { $0 }
        late = turns.count - inTime
    }

    /// Whether no more turns are needed.
    var isDecided: Bool { inTime >= 2 || late >= 2 }

    var holds: Bool { inTime >= 2 }
}
