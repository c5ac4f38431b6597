/// Tells one session that a person has to see to from many that came to be so at about the same time: logged out, unknown to the
/// engine, refused a command, perhaps dead, in a state that nobody here knows, or going down again and again.
///
/// The limits are those of ``RestartGate``: ``RestartGate/stormLimit`` different instances within ``RestartGate/window`` are many,
/// and it is over once fewer than ``RestartGate/calmLimit`` are so for a calm, as there. Nothing is done for them but to say
/// so. What was so long ago and is still is counted for the end, not for the beginning.
///
/// Pure: time is passed in. What it remembers is bounded by ``limit``.
package struct AlikeWatch: Sendable {
    /// Instances remembered; beyond that it is remembered that there were more.
    package static let limit = 256
    /// An instance that was not met for so long counts no more: it is gone, or nothing is asked of it.
    ///
    /// Longer than between two looks at it, also where a small budget stretches the sweeps of a large fleet.
    package static let memory: Duration = .seconds(7200)

    private struct Met: Sendable {
        /// Since when it is so.
        var since: Timestamp
        /// When it was last met so.
        var at: Timestamp
        /// When it counts no more unless it is met again; `nil` for no sooner than ``AlikeWatch/memory`` says.
        var endsAt: Timestamp?
    }

    private var met: [Int64: Met] = [:]
    /// When one was last met that had no place.
    private var beyondAt: Timestamp?
    private var calmSince: Timestamp?
    private let calm: Duration
    /// Whether many are so.
    package private(set) var isMany = false

    /// - Parameters:
    ///   - isMany: whether a predecessor said so; then it goes on until it is over.
    ///   - calm: for how long fewer than ``RestartGate/calmLimit`` have to be so before it is over.
    package init(isMany: Bool = false, calm: Duration = RestartGate.usualCalm) {
        self.isMany = isMany
        self.calm = calm
    }

    /// Whether nothing is remembered, so that nothing can change.
    package var isIdle: Bool { met.isEmpty && !isMany }

    /// How many are remembered that became so within the window; at most ``limit``.
    package func newCount(now: Timestamp) -> Int { met.values.count { now - $0.since < RestartGate.window } }

    /// Since when an instance is so that is remembered.
    package func since(of instance: Int64) -> Timestamp? { met[instance]?.since }

    /// Takes in that an instance was met so.
    ///
    /// `since`: since when it is so.
    package mutating func meet(_ instance: Int64, since: Timestamp, now: Timestamp) {
        if met[instance] != nil || met.count < Self.limit {
            met[instance] = Met(since: since, at: now)
        } else {
            beyondAt = now
        }
    }

    /// Takes in that an instance is not so, or not any more.
    package mutating func release(_ instance: Int64) {
        met[instance] = nil
    }

    /// Takes in that an instance is not so at present, and may be again at any time until `instant`: it counts until then.
    package mutating func release(_ instance: Int64, at instant: Timestamp) {
        met[instance]?.endsAt = instant
    }

    /// Lets time pass, and says whether many are so.
    package mutating func settle(_ now: Timestamp) {
        met = met.filter { now - $0.value.at < Self.memory && $0.value.endsAt.map { now < $0 } ?? true }
        if !isMany, newCount(now: now) >= RestartGate.stormLimit {
            isMany = true
            calmSince = nil
        }
        let isBeyond = beyondAt.map { now - $0 < Self.memory } ?? false
        guard isMany, met.count < RestartGate.calmLimit, !isBeyond else {
            calmSince = nil
            return
        }
        let since = calmSince ?? now
        calmSince = since
        guard now - since >= calm else { return }
        isMany = false
        calmSince = nil
    }
}
