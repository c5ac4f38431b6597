import LibPQ
import Logging
import Synchronization

/// Tells the other replicas that something was put in line for an account they may act for, and hears it from them.
///
/// A hint and nothing more: whoever hears it reads the queue, and without it does so a second later. A notification is sent
/// in a small transaction of its own after the commit, since inside it would let only one writer commit at a time.
final class WakeChannel: Sendable {
    private static let name = "rollcall_wakes"
    /// The least time between two notifications.
    private static let pause: Duration = .milliseconds(10)

    private let pool: PQPool
    private let listener: PQListener
    private let hasOthers = Atomic(false)
    private let wishes: AsyncStream<Void>
    private let wish: AsyncStream<Void>.Continuation
    private let logger: Logger

    /// `listening`: where the one connection that listens is made.
    init(pool: PQPool, listening: PQConfiguration, logger: Logger) {
        self.pool = pool
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

    /// Sends and hears until the task is cancelled.
    ///
    /// `onWake`: something is in line that this replica may not know of.
    func run(onWake: @escaping @Sendable () -> Void) async {
        await withDiscardingTaskGroup { group in
            group.addTask {
                for await _ in self.listener.listen(to: [Self.name]) { onWake() }
            }
            group.addTask { await self.send() }
        }
        await listener.shutdown()
    }

    private func send() async {
        for await _ in wishes {
            do {
                _ = try await pool.query("SELECT pg_notify(\(Self.name), '')")
            } catch {
                logger.debug("other replicas not woken", metadata: ["error": "\(error)"])
            }
            try? await Task.sleep(for: Self.pause)  // Cancelled: the loop ends.
        }
    }
}
