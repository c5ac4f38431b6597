/// A message that a `NOTIFY` sent.
public struct PQNotification: Hashable, Sendable {
    /// The channel it was sent to.
    public var channel: String
    /// What was sent with it; at most 7,999 bytes, "" when nothing was.
    public var payload: String

    /// A notification as a consumer gets it.
    public init(channel: String, payload: String) {
        self.channel = channel
        self.payload = payload
    }
}

/// The notifications of some channels, endless until the task is cancelled or the listener is shut down.
///
/// One consumer at a time. The connection ends with the last reference to the sequence and its iterators.
public struct PQNotifications: AsyncSequence, Sendable {
    /// What a consumer gets.
    public enum Event: Hashable, Sendable {
        /// From here on every notification arrives; those before may be lost, so read the state again.
        ///
        /// The first element, and again after each rebuilt connection and each overflow of the buffer.
        case reset
        case notification(PQNotification)
    }

    /// What the sequence gives.
    public typealias Element = Event
    /// The sequence never fails; it reports trouble as ``Event/reset``.
    public typealias Failure = Never

    let subscription: Subscription

    /// Starts to consume.
    public func makeAsyncIterator() -> Iterator {
        Iterator(subscription: subscription)
    }

    /// Takes one element after the other.
    public struct Iterator: AsyncIteratorProtocol {
        let subscription: Subscription

        /// The next element; `nil` once the task is cancelled or the listener shut down.
        public func next() async -> Event? {
            await subscription.buffer.next()
        }

        /// The next element; `nil` once the task is cancelled or the listener shut down.
        public func next(isolation actor: isolated (any Actor)?) async -> Event? {
            await subscription.buffer.next()
        }
    }
}
