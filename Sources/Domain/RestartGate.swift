/// Tells a session that fails from many that fail alike, and lets restarts through gently while they do.
///
/// When many instances of an account want a restart within a while, the fault is the engine's, and restarting all of them makes
/// it worse. Then one goes first; each that helps doubles how many may go at a time, one that does not begins anew. So an engine
/// that comes back is used again within minutes, without anybody's doing.
///
/// Who has no budget of restarts left wants none, and fails all the same: it counts until it is as it should be or waits for
/// something else.
///
/// Pure: time is passed in. What it remembers is bounded by ``wishLimit``, ``spentLimit`` and ``widest``.
package struct RestartGate: Sendable {
    /// Different instances that want a restart within ``window`` before they count as failing alike.
    package static let stormLimit = 10
    /// How long a wish counts.
    package static let window: Duration = .seconds(300)
    /// Fewer than this that want a restart or have no budget left, for a calm as ``init(isStorm:calm:)`` is told, end it.
    package static let calmLimit = 5
    /// That calm, if nothing else is said.
    package static let usualCalm: Duration = .seconds(60)
    /// Instances remembered that want a restart.
    package static let wishLimit = 64
    /// Instances remembered that have no budget left.
    package static let spentLimit = 256
    /// An instance without budget that was not met for so long counts no more; longer than between two looks at it.
    package static let spentMemory: Duration = AlikeWatch.memory
    /// Restarts under way at a time, at most.
    package static let widest = 256
    /// A restart that was not seen to help by then did not.
    package static let patience: Duration = .seconds(180)

    private struct Spent {
        /// When it was first met so.
        var since: Timestamp
        /// When it was last met so.
        var at: Timestamp
    }

    private var wishes: [Int64: Timestamp] = [:]
    private var spent: [Int64: Spent] = [:]
    private var trials: [Int64: Timestamp] = [:]
    private var width = 1
    private var calmSince: Timestamp?
    private let calm: Duration
    /// Whether many fail alike.
    package private(set) var isStorm = false

    /// - Parameters:
    ///   - isStorm: whether a predecessor saw many fail alike; then restarts go gently until that is over.
    ///   - calm: for how long fewer than ``calmLimit`` have to fail before it is over.
    package init(isStorm: Bool = false, calm: Duration = usualCalm) {
        self.isStorm = isStorm
        self.calm = calm
    }

    /// Whether nothing is remembered, so that nothing can change.
    package var isIdle: Bool { wishes.isEmpty && spent.isEmpty && trials.isEmpty && !isStorm }

    /// How many fail: who wants a restart, and who has no budget left.
    private var failing: Int { wishes.count + spent.keys.count { wishes[$0] == nil } }

    /// How many began to within the window; who has had no budget left for longer is no news.
    private func newlyFailing(_ now: Timestamp) -> Int {
        wishes.count + spent.count { wishes[$0.key] == nil && now - $0.value.since < Self.window }
    }

    private mutating func judge(_ now: Timestamp) {
        guard !isStorm, newlyFailing(now) >= Self.stormLimit else { return }
        isStorm = true
        calmSince = nil
        width = 1
    }

    /// Whether an instance that wants a restart may have it now.
    package mutating func permits(_ instance: Int64, now: Timestamp) -> Bool {
        prune(now)
        if wishes[instance] != nil || wishes.count < Self.wishLimit { wishes[instance] = now }
        judge(now)
        guard isStorm else { return true }
        // It had one, and wants another.
        if trials.removeValue(forKey: instance) != nil { width = 1 }
        guard trials.count < width else { return false }
        trials[instance] = now
        return true
    }

    /// Takes in that an instance fails and has no budget left.
    ///
    /// `since`: since when, if it was not met so before.
    package mutating func ranOut(_ instance: Int64, since: Timestamp, now: Timestamp) {
        prune(now)
        if spent[instance] != nil || spent.count < Self.spentLimit {
            spent[instance] = Spent(since: spent[instance]?.since ?? since, at: now)
        }
        judge(now)
    }

    /// Takes in that an instance is as it should be.
    package mutating func recovered(_ instance: Int64, now: Timestamp) {
        wishes[instance] = nil
        spent[instance] = nil
        if trials.removeValue(forKey: instance) != nil { width = min(width * 2, Self.widest) }
        prune(now)
    }

    /// Takes in that nobody wants an instance to run any more, or that it waits for something else than a restart, which says
    /// nothing of whether restarts help.
    package mutating func left(_ instance: Int64, now: Timestamp) {
        wishes[instance] = nil
        spent[instance] = nil
        trials[instance] = nil
        prune(now)
    }

    /// Lets time pass: what is long ago is forgotten, and calm ends it.
    package mutating func prune(_ now: Timestamp) {
        wishes = wishes.filter { now - $0.value < Self.window }
        spent = spent.filter { now - $0.value.at < Self.spentMemory }
        let waiting = trials.filter { now - $0.value < Self.patience }
        if waiting.count < trials.count { width = 1 }
        trials = waiting
        guard isStorm, failing < Self.calmLimit else {
            calmSince = nil
            return
        }
        let since = calmSince ?? now
        calmSince = since
        guard now - since >= calm else { return }
        isStorm = false
        calmSince = nil
        trials = [:]
    }
}
