import Logging

/// A listener on its reactor's thread: connects, subscribes, proves that the link lives, and starts over when it does not.
final class ListenerCore: ReactorCore {
    enum Command: Sendable {
        case started(StartedConnection)
        case stop
    }

    private enum Phase {
        case dialing
        case subscribing(Link)
        /// Subscribed; the next proof of life is due at the instant.
        case listening(Link, pingAt: Tick)
        case pinging(Link)
        /// The next attempt is due at the instant.
        case pausing(Tick)
        case stopped
    }

    private let policy: ListenPolicy
    private let statements: [PQStatement]
    private let buffer: NotificationBuffer
    private let dialer: Dialer
    private let logger: Logger
    private var phase = Phase.dialing
    private var failures = 0
    /// Names the connection of the moment; an event for an earlier one is recognised by its number.
    private var connectionID: UInt64 = 0

    init(
        _ configuration: PQConfiguration,
        policy: ListenPolicy,
        channels: [String],
        buffer: NotificationBuffer,
        reactor: PQReactor<Command>,
        poll: EventPoll,
        logger: Logger
    ) {
        self.policy = policy
        self.statements = channels.map { "LISTEN \(identifier: $0)" }
        self.buffer = buffer
        self.logger = logger
        let target = Result { () throws(PQError) in
            try configuration.validate()
            return try ConnectTarget(configuration)
        }
        self.dialer = Dialer(target, poll: poll) { start in _ = reactor.post(.started(start)) }
        dial(.now())
    }

    var isFinished: Bool {
        if case .stopped = phase { return true }
        return false
    }

    var nextDeadline: Tick? {
        switch phase {
        case .dialing: dialer.nextDeadline
        case .subscribing(let link), .pinging(let link): link.deadline
        case .listening(_, let pingAt): pingAt
        case .pausing(let until): until
        case .stopped: nil
        }
    }

    func receive(_ command: Command) {
        switch command {
        case .started(let start): dialer.started(start, now: .now()).map(handle)
        case .stop:
            dialer.abandon(connectionID)
            phase = .stopped
            buffer.end()
        }
    }

    func refuse(_: Command) {}

    func ready(_ event: EventPoll.Event) {
        guard event.id == connectionID else { return }
        switch phase {
        case .dialing: dialer.ready(event.id, now: .now()).map(handle)
        case .subscribing(let link), .pinging(let link), .listening(let link, _): handle(link.ready(event), link)
        case .pausing, .stopped: break
        }
    }

    func tick(_ now: Tick) {
        switch phase {
        case .dialing: dialer.expire(now).forEach(handle)
        case .subscribing, .pinging: lose("no answer in time", now)
        case .listening(let link, _):
            phase = .pinging(link)
            handle(link.start(Plan(statements: ["SELECT 1"]), deadline: now + policy.pingTimeout), link)
        case .pausing: dial(now)
        case .stopped: break
        }
    }

    private func dial(_ now: Tick) {
        connectionID += 1
        phase = .dialing
        dialer.dial(connectionID, now: now).map(handle)
    }

    private func handle(_ event: Dialer.Event) {
        switch event {
        case .connected(let link):
            phase = .subscribing(link)
            handle(link.start(Plan(statements: statements), deadline: Tick.now() + policy.pingTimeout), link)
        case .failed(_, let error):
            lose("\(error)", .now())
        }
    }

    private func handle(_ progress: Link.Progress, _ link: Link) {
        switch progress {
        case .pending: break
        case .finished(.success, _): answered(link)
        case .finished(.failure(let error), _), .broken(.failure(let error)): return lose("\(error)", .now())
        case .broken(.success): return lose("the connection broke", .now())
        }
        while let notification = link.nextNotification() { buffer.push(.notification(notification)) }
    }

    private func answered(_ link: Link) {
        if case .subscribing = phase {
            if failures > 0 { logger.notice("database notifications arrive again") }
            failures = 0
            buffer.push(.reset)
        }
        phase = .listening(link, pingAt: Tick.now() + policy.pingInterval)
    }

    /// Closes what is left of the connection and has it rebuilt after a pause: doubled with each failure in a row, then
    /// shortened by up to a half at random, so that many replicas do not come back at once.
    private func lose(_ reason: String, _ now: Tick) {
        if failures == 0 { logger.warning("database notifications stopped", metadata: ["error": "\(reason)"]) }
        let doubled = min(policy.retryPause * (1 << min(failures, 10)), policy.retryPauseLimit)
        failures += 1
        phase = .pausing(now + doubled * Double.random(in: 0.5...1))
    }
}
