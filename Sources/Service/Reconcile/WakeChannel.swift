import LibPQ
import Logging
import Synchronization

/// Tells the other replicas that something was put in line for an account they may act for, and hears it from them.
///
/// A hint and nothing more: whoever hears it reads the queue, and without it does so a second later. A notification is sent
/// in a small transaction of its own after the commit, since inside it would let only one writer commit at a time.
final class WakeChannel: Sendable {
    static let name = "rollcall_wakes"
    /// The least time between two notifications.
    private static let pause: Duration = .milliseconds(10)

    private let pool: PQPool
    private let listener: PQListener
    private let crashPoints: CrashPoints
    private let hasOthers = Atomic(false)
    private let wishes: AsyncStream<Void>
    private let wish: AsyncStream<Void>.Continuation
    /// What the next notification names.
    private let named = Mutex<Set<Wake>>([])
    /// Instances in one notification, which holds 8,000 bytes; of what is beyond that others learn by their sweep.
    private static let namesLimit = 200
    private let logger: Logger

    /// `listening`: where the one connection that listens is made.
    init(pool: PQPool, listening: PQConfiguration, crashPoints: CrashPoints, logger: Logger) {
        self.pool = pool
        self.crashPoints = crashPoints
        self.logger = logger
        listener = PQListener(listening, logger: logger)
        (wishes, wish) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Notes whether anybody would hear.
    func note(otherReplicas: Int64) {
        hasOthers.store(otherReplicas > 0, ordering: .relaxed)
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
    func run(onWake: @escaping @Sendable ([Wake]) -> Void) async {
        await withDiscardingTaskGroup { group in
            group.addTask {
                for await event in self.listener.listen(to: [Self.name]) {
                    guard case .notification(let notification) = event else {
                        onWake([])
                        continue
                    }
                    onWake(Self.read(notification.payload))
                }
            }
            group.addTask { await self.send() }
        }
        await listener.shutdown()
    }

    private func send() async {
        for await _ in wishes {
            crashPoints.reach(.beforeNotify)
            do {
                let wakes = named.withLock { named in
                    defer { named = [] }
                    return named
                }
                _ = try await pool.query("SELECT pg_notify(\(Self.name), \(Self.text(wakes)))")
            } catch {
                logger.debug("other replicas not woken", metadata: ["error": "\(error)"])
            }
            try? await Task.sleep(for: Self.pause)  // Cancelled: the loop ends.
        }
    }

    /// `account:instance`, several separated by spaces.
    private static func text(_ wakes: Set<Wake>) -> String {
        wakes.map { "\($0.account):\($0.instance)" }.joined(separator: " ")
    }

    /// What ``text(_:)`` wrote; what is not of this form is left out.
    private static func read(_ text: String) -> [Wake] {
        text.split(separator: " ").prefix(namesLimit).compactMap { name in
            let parts = name.split(separator: ":")
            guard parts.count == 2, let account = Int32(parts[0]), let instance = Int64(parts[1]) else { return nil }
            return Wake(instance: instance, account: account)
        }
    }
}
