/// Every decision of the pool: who gets which connection, when to open one, when to close one, who waited too long.
///
/// Pure: time is passed in, nothing is awaited or called, and each change returns what is to be done, in order. The
/// same calls with the same seed give the same answers.
struct PoolState {
    /// The named bounds of a pool.
    struct Limits: Sendable {
        var connections: Int
        /// Connections kept open even when nobody asks.
        var minimum: Int
        var waiters: Int
        /// How long nothing may work before callers are refused at once.
        var acquireTimeout: Duration
        /// How long a connection above ``minimum`` may do nothing.
        var idleTimeout: Duration
    }

    /// What the caller has to do now.
    enum Action: Hashable, Sendable {
        /// Start connecting; report ``opened(_:now:)`` or ``openFailed(_:now:)``.
        case open(UInt64)
        /// Close; nothing needs to be reported.
        case close(UInt64)
        /// Let the waiter use the connection; report ``released(_:isReusable:now:)`` or ``lost(_:now:)``.
        case assign(connection: UInt64, waiter: UInt64)
        /// Tell the waiter that it gets none.
        case refuse(waiter: UInt64, Refusal)
    }

    /// Why a waiter gets no connection.
    enum Refusal: Hashable, Sendable {
        case overloaded, timedOut, unreachable, closed
    }

    enum Phase: Hashable, Sendable {
        case connecting, idle, busy
    }

    /// The longest pause between two attempts to connect after failures; the first is about 50 ms.
    static let retryPauseLimit = Duration.milliseconds(500)

    let limits: Limits
    private(set) var connections: [UInt64: Phase] = [:]
    private(set) var isClosing = false
    private(set) var waiters = WaiterQueue()
    private(set) var counts = Counts()
    /// Idle connections with the instant they became so, the latest last.
    private var idle: [(id: UInt64, since: Tick)] = []
    private var failures = 0
    private var failingSince: Tick?
    private var retryAt: Tick?
    private var lastID: UInt64 = 0
    private var random: SplitMix64

    /// How many connections are in each phase.
    struct Counts: Hashable, Sendable {
        var connecting = 0
        var idle = 0
        var busy = 0
        var open: Int { idle + busy }
        var total: Int { open + connecting }
    }

    init(limits: Limits, seed: UInt64) {
        self.limits = limits
        self.random = SplitMix64(state: seed)
    }

    /// Whether nothing is left after ``close()``.
    var isDrained: Bool { isClosing && connections.isEmpty }

    /// When ``tick(_:)`` has something to do; may be early, never late.
    var nextDeadline: Tick? {
        var next = waiters.earliestDeadline
        if let retryAt, wantsMore { next = min(next ?? retryAt, retryAt) }
        if let oldest = idle.first, counts.total > limits.minimum {
            next = min(next ?? Tick(nanoseconds: .max), oldest.since + limits.idleTimeout)
        }
        return next
    }

    /// Asks for a connection.
    ///
    /// - Parameters:
    ///   - waiter: who asks; a number that nobody waits under.
    ///   - deadline: when to give up.
    ///   - isRetry: the waiter had got a dead connection; it goes to the front and past the bound.
    ///   - now: the present.
    /// - Returns: what to do, in order.
    mutating func request(_ waiter: UInt64, deadline: Tick, isRetry: Bool = false, now: Tick) -> [Action] {
        guard !isClosing else { return [.refuse(waiter: waiter, .closed)] }
        if waiters.isEmpty, let connection = idle.popLast()?.id {
            move(connection, to: .busy)
            return [.assign(connection: connection, waiter: waiter)]
        }
        if let failingSince, counts.open == 0, failingSince + limits.acquireTimeout <= now {
            return [.refuse(waiter: waiter, .unreachable)] + openMore(now)
        }
        guard isRetry || waiters.count < limits.waiters else { return [.refuse(waiter: waiter, .overloaded)] }
        waiters.append(waiter, deadline: deadline, atFront: isRetry)
        return openMore(now)
    }

    /// Forgets a waiter that gave up by itself; false when it is not waiting.
    mutating func withdraw(_ waiter: UInt64) -> Bool {
        waiters.remove(waiter)
    }

    /// A connection that was asked for is there.
    mutating func opened(_ connection: UInt64, now: Tick) -> [Action] {
        guard connections[connection] == .connecting else { return [.close(connection)] }
        failures = 0
        failingSince = nil
        retryAt = nil
        return offer(connection, now: now) + openMore(now)
    }

    /// A connection could not be made.
    mutating func openFailed(_ connection: UInt64, now: Tick) -> [Action] {
        guard move(connection, to: nil) else { return [] }
        failures += 1
        failingSince = failingSince ?? now
        retryAt = now + retryPause()
        return []
    }

    /// A user of a connection is done.
    mutating func released(_ connection: UInt64, isReusable: Bool, now: Tick) -> [Action] {
        guard connections[connection] == .busy else { return [] }
        guard isReusable, !isClosing else {
            move(connection, to: nil)
            return [.close(connection)] + openMore(now)
        }
        return offer(connection, now: now)
    }

    /// A connection broke; it is closed already.
    mutating func lost(_ connection: UInt64, now: Tick) -> [Action] {
        idle.removeAll { $0.id == connection }
        guard move(connection, to: nil) else { return [] }
        return openMore(now)
    }

    /// Does what has become due: refuses who waited too long, closes surplus, tries again to connect.
    mutating func tick(_ now: Tick) -> [Action] {
        let reason: Refusal = failures > 0 && counts.open == 0 ? .unreachable : .timedOut
        var actions = waiters.expire(now).map { Action.refuse(waiter: $0, reason) }
        while let oldest = idle.first, counts.total > limits.minimum, oldest.since + limits.idleTimeout <= now {
            idle.removeFirst()
            move(oldest.id, to: nil)
            actions.append(.close(oldest.id))
        }
        return actions + openMore(now)
    }

    /// Refuses everybody from now on and closes what is not in use; what is in use is closed when released.
    mutating func close() -> [Action] {
        isClosing = true
        let refused = waiters.removeAll().map { Action.refuse(waiter: $0, .closed) }
        let unused = connections.filter { $0.value != .busy }.keys.sorted()
        for connection in unused { move(connection, to: nil) }
        idle = []
        return refused + unused.map { .close($0) }
    }
}

extension PoolState {
    /// Opens what is wanted, and is called at the pool's birth too.
    ///
    /// Never more than the waiters need. While connecting fails, one attempt at a time.
    mutating func openMore(_ now: Tick) -> [Action] {
        guard !isClosing, retryAt.map({ $0 <= now }) ?? true else { return [] }
        let wanted = max(waiters.count, failingSince == nil ? 0 : 1, limits.minimum - counts.open)
        let room = min(limits.connections - counts.total, (failures > 0 ? 1 : wanted) - counts.connecting)
        let missing = min(wanted - counts.connecting, room)
        guard missing > 0 else { return [] }
        return (0..<missing).map { _ in
            lastID += 1
            connections[lastID] = .connecting
            counts.connecting += 1
            return .open(lastID)
        }
    }

    /// Whether ``openMore(_:)`` would open something once its pause is over.
    private var wantsMore: Bool {
        guard !isClosing, counts.total < limits.connections, failures == 0 || counts.connecting == 0 else {
            return false
        }
        return !waiters.isEmpty || failingSince != nil || counts.open < limits.minimum
    }

    /// Gives a free connection to whoever waits longest, or lays it aside.
    private mutating func offer(_ connection: UInt64, now: Tick) -> [Action] {
        if let waiter = waiters.popFirst() {
            move(connection, to: .busy)
            return [.assign(connection: connection, waiter: waiter)]
        }
        move(connection, to: .idle)
        idle.append((connection, now))
        return []
    }

    /// Changes a connection's phase, or forgets it; false when it is not known.
    @discardableResult
    private mutating func move(_ connection: UInt64, to phase: Phase?) -> Bool {
        guard let old = connections[connection] else { return false }
        connections[connection] = phase
        counts[old] -= 1
        if let phase { counts[phase] += 1 }
        return true
    }

    /// 50 ms, doubled with each failure in a row up to the limit, then shortened by up to a half at random.
    private mutating func retryPause() -> Duration {
        let doubled = min(Duration.milliseconds(50 << min(failures - 1, 10)), Self.retryPauseLimit)
        return doubled * (1 - Double.random(in: 0...0.5, using: &random))
    }
}

extension PoolState.Counts {
    subscript(phase: PoolState.Phase) -> Int {
        get {
            switch phase {
            case .connecting: connecting
            case .idle: idle
            case .busy: busy
            }
        }
        set {
            switch phase {
            case .connecting: connecting = newValue
            case .idle: idle = newValue
            case .busy: busy = newValue
            }
        }
    }
}
