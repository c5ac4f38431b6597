import Synchronization

/// Slows down who tries keys at this process: per address a few failures at once, then one every few seconds.
final class SignInLimiter: Sendable {
    /// Failures an address may make at once.
    static let burst = 10
    /// After this a further failure is forgiven.
    static let forgiveness = Duration.seconds(6)
    /// Addresses that are remembered; when there are more, those that are the nearest to being forgiven go.
    static let addressLimit = 10_000

    /// By address, when all of its failures are forgiven.
    private let forgivenAt = Mutex<[String: ContinuousClock.Instant]>([:])

    /// Counts an attempt of an address as a failure before its key is looked at, so that attempts side by side all count.
    ///
    /// What is counted lies at most ``burst`` times ``forgiveness`` ahead, however many try: who is refused is not counted.
    ///
    /// - Returns: how long the address must wait before it may try again; `nil` when this attempt is counted.
    func reserve(_ address: String, now: ContinuousClock.Instant = .now) -> Duration? {
        forgivenAt.withLock { forgivenAt in
            let known = max(forgivenAt[address] ?? now, now)
            let excess = known - now - Self.forgiveness * (Self.burst - 1)
            guard excess <= .zero else { return excess }
            forgivenAt[address] = known + Self.forgiveness
            guard forgivenAt.count > Self.addressLimit else { return nil }
            forgivenAt = forgivenAt.filter { $0.value > now }
            while forgivenAt.count > Self.addressLimit, let next = forgivenAt.min(by: { $0.value < $1.value }) {
                forgivenAt[next.key] = nil
            }
            return nil
        }
    }

    /// Takes an attempt back that was counted and was no failure.
    func takeBack(_ address: String, now: ContinuousClock.Instant = .now) {
        forgivenAt.withLock { forgivenAt in
            guard let known = forgivenAt[address] else { return }
            let earlier = known - Self.forgiveness
            forgivenAt[address] = earlier > now ? earlier : nil
        }
    }
}
