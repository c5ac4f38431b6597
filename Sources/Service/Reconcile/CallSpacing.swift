/// Spreads an account's calls over each second instead of letting a second's worth leave at its beginning.
///
/// A second's worth that leaves at once, and again a second later, arrives as up to twice the budget in one second as soon as
/// some calls take longer on their way than others. Spread, that adds what differs and no more. And who asks for something while
/// sweeps use the budget waits for the next call's turn, not for the next second.
///
/// After a quiet second half of a second's calls may leave at once, while calls go on a tenth; the others as the rate allows.
struct CallSpacing: Sendable {
    /// Microseconds without a call after which more may leave at once.
    private static let quiet: Int64 = 1_000_000
    /// Microseconds; a shorter wait is not worth a timer, and nothing is lost by it.
    private static let shortestWait: Int64 = 2000

    private let perSecond: Double
    /// Calls that may leave at once.
    private var credit: Double
    private var refilledAt: Int64
    private var takenAt: Int64

    /// - Parameters:
    ///   - perSecond: 1 or more.
    ///   - now: microseconds of the monotonic clock.
    init(perSecond: Int, now: Int64) {
        self.perSecond = Double(max(1, perSecond))
        credit = max(1, self.perSecond / 2)
        refilledAt = now
        takenAt = now
    }

    /// Whether a call may leave; ``take(now:)`` says that it does.
    mutating func allows(now: Int64) -> Bool {
        let passed = max(0, now - refilledAt)
        refilledAt = max(refilledAt, now)
        let depth = max(1, now - takenAt >= Self.quiet ? perSecond / 2 : perSecond / 10)
        // What a quiet second gave stays.
        credit = max(credit, min(depth, credit + perSecond * Double(passed) / 1_000_000))
        return credit > 0.999
    }

    mutating func take(now: Int64) {
        credit -= 1
        takenAt = now
    }

    /// When a call may next leave.
    func nextAllowed(now: Int64) -> Int64 {
        now + max(Self.shortestWait, Int64((1 - credit) / perSecond * 1_000_000))
    }
}
