import Logging
import Synchronization

/// Tells the other replicas that something was put in line for an account they may act for, and hears it from them.
///
/// A hint and nothing more: whoever hears it reads the queue, and without it does so a second later. A notification is sent
/// in a small transaction of its own after the commit, since inside it would let only one writer commit at a time.
final class WakeChannel: Sendable {
    /// The least time between two notifications.
    private static let pause: Duration = .milliseconds(10)

    /// What others are told of commits that wake nothing.
    let changes: ChangeChannel
    private let store: any ReconcilerStore
    private let clock: DatabaseClock
    private let crashPoints: CrashPoints
    private let hasOthers = Atomic(false)
    private let wishes: AsyncStream<Void>
    private let wish: AsyncStream<Void>.Continuation
    /// What the next notification names.
    private let named = Mutex<Set<Wake>>([])
    /// Instances in one notification, which holds 8,000 bytes; of what is beyond that others learn by their sweep.
    static let namesLimit = 200
    private let logger: Logger

    init(store: any ReconcilerStore, clock: DatabaseClock, crashPoints: CrashPoints = CrashPoints(), logger: Logger) {
        self.store = store
        changes = ChangeChannel(store: store, clock: clock, logger: logger)
        self.clock = clock
        self.crashPoints = crashPoints
        self.logger = logger
        (wishes, wish) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Notes whether anybody would hear.
    func note(otherReplicas: Int64) {
        hasOthers.store(otherReplicas > 0, ordering: .relaxed)
        changes.note(otherReplicas: otherReplicas)
    }

    /// Wakes the others soon, if there are any.
    func tell() {
        if hasOthers.load(ordering: .relaxed) { wish.yield() }
    }

    /// Wakes the others soon and names instances to look at, whether or not they are in line.
    func tell(_ wakes: [Wake]) {
        guard !wakes.isEmpty, hasOthers.load(ordering: .relaxed) else { return }
        named.withLock { named in
            for wake in wakes where named.count < Self.namesLimit { named.insert(wake) }
        }
        tell()
    }

    /// Sends and hears until the task is cancelled.
    ///
    /// `onWake`: something is in line that this replica may not know of, and these are to be looked at.
    /// `onChange`: another replica's commits changed these rows.
    func run(
        onWake: @escaping @Sendable ([Wake]) -> Void,
        onChange: @escaping @Sendable (ChangeNews) -> Void
    ) async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.store.hearOthers(onWake, onChange: onChange) }
            group.addTask { await self.send() }
            group.addTask { await self.changes.run() }
        }
    }

    private func send() async {
        for await _ in wishes {
            crashPoints.reach(.beforeNotify)
            do {
                let wakes = named.withLock { named in
                    defer { named = [] }
                    return named
                }
                try await store.tellOthers(of: wakes.sorted { ($0.account, $0.instance) < ($1.account, $1.instance) })
            } catch {
                logger.debug("other replicas not woken", metadata: [LogKeys.error: "\(error)"])
            }
            try? await clock.sleep(for: Self.pause)  // Cancelled: the loop ends.
        }
    }
}
