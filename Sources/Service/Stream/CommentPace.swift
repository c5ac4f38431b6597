/// When a stream says again whether what it tells is up to date.
struct CommentPace: Sendable {
    private var dueAt: ContinuousClock.Instant

    /// Between two comments at the most, also while events flow: a page says within 10 s that it hears nothing.
    static let interval = Duration.seconds(2)
    /// Between two at the least: the next wake after that brings one, and may itself be a little late.
    static let pause = Duration.milliseconds(750)

    /// The first is due at `now`.
    init(now: ContinuousClock.Instant = .now) {
        dueAt = now
    }

    /// Whether it is time; where it is, that sets the next time.
    mutating func isDue(now: ContinuousClock.Instant = .now) -> Bool {
        guard dueAt <= now else { return false }
        dueAt = now + Self.pause
        return true
    }
}
