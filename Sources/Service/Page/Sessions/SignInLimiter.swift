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

    /// How long an address must wait before it may try again; `nil` when it need not.
    func wait(_ address: String, now: ContinuousClock.Instant = .now) -> Duration? {
        let excess = forgivenAt.withLock { forgivenAt in
            forgivenAt[address].map { $0 - now - Self.forgiveness * (Self.burst - 1) }
        }
        return excess.flatMap { $0 > .zero ? $0 : nil }
    }

    /// Notes that an address sent a wrong key.
    func failed(_ address: String, now: ContinuousClock.Instant = .now) {
        forgivenAt.withLock { forgivenAt in
            forgivenAt[address] = max(forgivenAt[address] ?? now, now) + Self.forgiveness
            guard forgivenAt.count > Self.addressLimit else { return }
            forgivenAt = forgivenAt.filter { $0.value > now }
            while forgivenAt.count > Self.addressLimit, let next = forgivenAt.min(by: { $0.value < $1.value }) {
                forgivenAt[next.key] = nil
            }
        }
    }
}
