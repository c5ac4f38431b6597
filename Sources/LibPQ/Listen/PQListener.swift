public import Logging
import Synchronization

/// Listens to channels of a database, on connections of its own that it keeps alive and rebuilds.
public final class PQListener: Sendable {
    private struct Entry {
        weak var subscription: Subscription?
    }

    private let configuration: PQConfiguration
    private let policy: ListenPolicy
    private let logger: Logger
    private let live = Mutex<[Entry]>([])

    /// Prepares to listen; connects with the first ``listen(to:)``.
    ///
    /// - Parameters:
    ///   - configuration: where to connect; its bounds of the pool do not matter here.
    ///   - pingInterval: the pause between two proofs that the server still answers.
    ///   - pingTimeout: how long such a proof, and subscribing, may take before the connection is rebuilt.
    ///   - bufferLimit: how many events wait for a slow consumer; what does not fit becomes one `.reset`.
    ///   - logger: told when the connection is lost and rebuilt.
    public init(
        _ configuration: PQConfiguration,
        pingInterval: Duration = .seconds(10),
        pingTimeout: Duration = .seconds(5),
        bufferLimit: Int = 4096,
        logger: Logger
    ) {
        self.configuration = configuration
        self.policy = ListenPolicy(pingInterval: pingInterval, pingTimeout: pingTimeout, bufferLimit: bufferLimit)
        self.logger = logger
    }

    /// Starts listening on a connection of its own; events wait in a buffer until they are consumed.
    ///
    /// - Parameter channels: names as given to NOTIFY; quoted here, so upper and lower case differ.
    /// - Returns: the events, from the first connection on.
    public func listen(to channels: [String]) -> PQNotifications {
        let subscription = Subscription(configuration, policy: policy, channels: channels, logger: logger)
        live.withLock { entries in
            entries.removeAll { $0.subscription == nil }
            entries.append(Entry(subscription: subscription))
        }
        return PQNotifications(subscription: subscription)
    }

    /// Ends every sequence and closes their connections.
    public func shutdown() async {
        let subscriptions = live.withLock { entries in
            defer { entries = [] }
            return entries.compactMap(\.subscription)
        }
        for subscription in subscriptions { subscription.stop() }
        for subscription in subscriptions { await subscription.finished() }
    }
}

/// The named bounds of a listener.
struct ListenPolicy: Sendable {
    var pingInterval: Duration
    var pingTimeout: Duration
    var bufferLimit: Int
    /// The pause before the first attempt to rebuild; it doubles with each failure in a row.
    var retryPause = Duration.milliseconds(100)
    /// The longest pause between two attempts.
    var retryPauseLimit = Duration.seconds(5)
}

/// What a sequence and its iterators share; the connection ends with it.
final class Subscription: Sendable {
    let buffer: NotificationBuffer
    private let reactor: PQReactor<ListenerCore.Command>

    init(_ configuration: PQConfiguration, policy: ListenPolicy, channels: [String], logger: Logger) {
        let buffer = NotificationBuffer(limit: policy.bufferLimit)
        self.buffer = buffer
        self.reactor = PQReactor { reactor, poll in
            ListenerCore(
                configuration,
                policy: policy,
                channels: channels,
                buffer: buffer,
                reactor: reactor,
                poll: poll,
                logger: logger
            )
        }
    }

    deinit {
        stop()
    }

    func stop() {
        if !reactor.post(.stop) { buffer.end() }
    }

    func finished() async {
        await reactor.finished()
    }
}
