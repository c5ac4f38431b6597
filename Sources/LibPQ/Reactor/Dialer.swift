import CLibPQ

/// Makes connections without blocking its thread, host after host.
///
/// Belongs to one reactor's thread.
final class Dialer {
    /// How an attempt to connect ended.
    enum Event {
        case connected(Link)
        case failed(UInt64, PQError)
    }

    @safe private struct Attempt {
        var number: UInt64
        var host: Int
        /// Why the hosts before this one failed.
        var errors: [String]
        var deadline: Tick
        // Proof: taken from a `StartedConnection`, hence owned by this thread; freed by `close` or handed to a `Link`.
        var connection: OpaquePointer?
        var notices: Notices?

        func close() {
            if let connection = unsafe connection { unsafe PQfinish(connection) }
        }
    }

    /// Threads that may hang in the system's resolver at a time; beyond that an attempt fails at once.
    private static let startLimit = 16

    private let target: Result<ConnectTarget, PQError>
    private let poll: EventPoll
    /// Hands a begun connection to the reactor's thread.
    private let deliver: @Sendable (StartedConnection) -> Void
    private var attempts: [UInt64: Attempt] = [:]
    private var starting = 0
    private var lastNumber: UInt64 = 0

    init(
        _ target: Result<ConnectTarget, PQError>,
        poll: EventPoll,
        deliver: @escaping @Sendable (StartedConnection) -> Void
    ) {
        self.target = target
        self.poll = poll
        self.deliver = deliver
    }

    deinit {
        for attempt in attempts.values { withExtendedLifetime(attempt) { attempt.close() } }
    }

    /// The earliest moment at which ``expire(_:)`` has something to do.
    var nextDeadline: Tick? {
        attempts.isEmpty ? nil : attempts.values.lazy.map(\.deadline).min()
    }

    /// Begins to connect; the answer comes here at once, or from ``started(_:now:)``, ``ready(_:now:)``, ``expire(_:)``.
    func dial(_ id: UInt64, now: Tick) -> Event? {
        begin(id, host: 0, errors: [], now: now)
    }

    /// Gives an attempt up; nothing more is heard of it.
    func abandon(_ id: UInt64) {
        poll.forget(id)
        // libpq may still report to the notices while it closes.
        if let attempt = attempts.removeValue(forKey: id) { withExtendedLifetime(attempt) { attempt.close() } }
    }

    /// Takes over a connection that another thread has begun to make.
    func started(_ start: StartedConnection, now: Tick) -> Event? {
        starting -= 1
        guard attempts[start.id]?.number == start.attempt else { return nil }
        guard let connection = unsafe start.take() else { return failHost(start.id, "out of memory", now: now) }
        unsafe attempts[start.id]?.connection = connection
        attempts[start.id]?.notices = start.notices
        guard unsafe PQstatus(connection) != CONNECTION_BAD else {
            return failHost(start.id, unsafe message(connection), now: now)
        }
        unsafe watch(connection, for: start.id, writing: true)
        return nil
    }

    /// Handles the socket of a connection that is being made.
    func ready(_ id: UInt64, now: Tick) -> Event? {
        guard let connection = unsafe attempts[id]?.connection else { return nil }
        switch unsafe PQconnectPoll(connection) {
        case PGRES_POLLING_READING:
            unsafe watch(connection, for: id, writing: false)
            return nil
        case PGRES_POLLING_WRITING:
            unsafe watch(connection, for: id, writing: true)
            return nil
        case PGRES_POLLING_OK:
            return unsafe finish(id, connection)
        default:
            return failHost(id, unsafe message(connection), now: now)
        }
    }

    /// Goes on to the next host where one did not answer in time.
    func expire(_ now: Tick) -> [Event] {
        attempts.filter { $0.value.deadline <= now }.keys.sorted().compactMap {
            failHost($0, "no answer in time", now: now)
        }
    }

    private func begin(_ id: UInt64, host: Int, errors: [String], now: Tick) -> Event? {
        let target: ConnectTarget
        switch self.target {
        case .success(let value): target = value
        case .failure(let error): return .failed(id, error)
        }
        guard host < target.attempts.count else {
            return .failed(id, PQError(.connectionFailed, errors.joined(separator: "; ")))
        }
        guard starting < Self.startLimit else {
            return .failed(id, PQError(.connectionFailed, "too many names are being resolved"))
        }
        starting += 1
        lastNumber += 1
        let number = lastNumber
        let parameters = target.attempts[host]
        unsafe attempts[id] = Attempt(number: number, host: host, errors: errors, deadline: now + target.timeout)
        let isBegun = OwnThread.start { [deliver] in
            deliver(StartedConnection(id: id, attempt: number, parameters))
        }
        guard !isBegun else { return nil }
        starting -= 1
        attempts[id] = nil
        return .failed(id, PQError(.connectionFailed, "there can be no more threads"))
    }

    private func failHost(_ id: UInt64, _ reason: String, now: Tick) -> Event? {
        guard let attempt = attempts[id] else { return nil }
        abandon(id)
        return begin(id, host: attempt.host + 1, errors: attempt.errors + [reason], now: now)
    }

    private func finish(_ id: UInt64, _ connection: OpaquePointer) -> Event? {
        guard let notices = attempts.removeValue(forKey: id)?.notices else {
            return nil
        }
        let limit = (try? target.get())?.statementCacheLimit ?? 1
        return .connected(
            unsafe Link(id: id, connection: connection, notices: notices, poll: poll, cacheLimit: limit)
        )
    }

    /// Watches the socket of the moment: libpq opens another for each address, and after a refused TLS.
    private func watch(_ connection: OpaquePointer, for id: UInt64, writing: Bool) {
        let descriptor = unsafe PQsocket(connection)
        if descriptor >= 0 { poll.watch(descriptor, for: id, writing: writing, reading: !writing) }
    }

    /// libpq's words, which name host and user, without the password.
    private func message(_ connection: OpaquePointer) -> String {
        let text = unsafe PQerrorMessage(connection).map { unsafe String(cString: $0) } ?? ""
        guard case .success(let target) = target else { return "" }
        return target.redact(text)
    }
}
