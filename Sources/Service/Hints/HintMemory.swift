import DequeModule
import Domain

/// Which hints came already, and when the newest about each session happened and one last made us look; the oldest are forgotten.
///
/// What is forgotten costs a look too many.
struct HintMemory: Sendable {
    /// Hints and sessions that are remembered.
    static let limit = 4096

    /// What makes two deliveries one: each engine counts its events for itself.
    private struct Identity: Hashable {
        var account: String
        var hint: SessionHint
    }

    private var seen: Set<Identity> = []
    private var order: Deque<Identity> = []
    private var sessions: [Int64: Told] = [:]
    private var instances: Deque<Int64> = []

    /// What is remembered of the hints about one session.
    private struct Told {
        /// When the newest happened, by the engine's clock.
        var newestAt: Timestamp?
        /// When one last made us look, by the database's clock.
        var lookedAt: Timestamp?
    }

    /// Notes a hint of an account.
    ///
    /// - Returns: whether it is the first of its identity; one without id and time has none, and is always news.
    mutating func isFirst(_ hint: SessionHint, of account: String) -> Bool {
        guard hint.id != nil || hint.at != nil else { return true }
        let identity = Identity(account: account, hint: hint.identity)
        guard seen.insert(identity).inserted else { return false }
        order.append(identity)
        if order.count > Self.limit { seen.remove(order.removeFirst()) }
        return true
    }

    /// Lets a hint be the first of its identity again.
    mutating func forget(_ hint: SessionHint, of account: String) {
        let identity = Identity(account: account, hint: hint.identity)
        // Heard again it would stand in line twice, and be forgotten with the first.
        guard seen.remove(identity) != nil, let place = order.lastIndex(of: identity) else { return }
        order.remove(at: place)
    }

    /// Decides what a hint about a session is good for, and remembers when it happened and whether it made us look.
    ///
    /// - Parameters:
    ///   - hint: the first of its identity.
    ///   - known: what is stored of the session.
    ///   - instance: the session's number.
    ///   - now: by the database's clock.
    ///   - commandLasts: how long after a command its steps may be told of.
    /// - Returns: its effect.
    mutating func effect(
        of hint: SessionHint,
        on known: HintedSession,
        instance: Int64,
        now: Timestamp,
        commandLasts: Duration
    ) -> HintEffect {
        var known = known
        known.newestHintAt = newest(of: instance)
        known.lookedAt = sessions[instance]?.lookedAt
        note(hint, of: instance)
        let effect = Domain.effect(of: hint, on: known, now: now, commandLasts: commandLasts)
        if effect.looks { remember(instance) { $0.lookedAt = now } }
        return effect
    }

    /// When the newest hint about a session happened.
    func newest(of instance: Int64) -> Timestamp? { sessions[instance]?.newestAt }

    mutating func note(_ hint: SessionHint, of instance: Int64) {
        guard let at = hint.at else { return }
        remember(instance) { $0.newestAt = max($0.newestAt ?? at, at) }
    }

    private mutating func remember(_ instance: Int64, _ change: (inout Told) -> Void) {
        if sessions[instance] == nil {
            instances.append(instance)
            if instances.count > Self.limit { sessions[instances.removeFirst()] = nil }
        }
        change(&sessions[instance, default: Told()])
    }
}
