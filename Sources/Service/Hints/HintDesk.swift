import Domain
import LibPQ
import Logging
import Metrics
import ServiceLifecycle
import Synchronization

/// Takes hints from engines' webhooks and has sessions looked at, a batch of hints at a time.
///
/// A webhook is answered before this begins. Where another replica acts for the account, it is told which sessions to look at.
/// Hints that find no place are dropped: sweeps see everything, only later.
final class HintDesk: Service {
    /// Hints that wait at a time.
    static let limit = 4096
    /// How long hints gather: a fleet that starts tells of all its sessions at once.
    private static let pause: Duration = .milliseconds(20)

    private struct Item: Sendable {
        var hint: SessionHint
        var account: String
    }

    private let pool: PQPool
    private let reconciler: Reconciler
    private let clock: DatabaseClock
    private let commandLasts: Duration
    private let logger: Logger
    private let meters = HintMeters()
    private let waiting = Mutex<[Item]>([])
    private let memory = Mutex(HintMemory())
    private let signals: AsyncStream<Void>
    private let signal: AsyncStream<Void>.Continuation

    /// `commandLasts`: how long after a command its steps may be told of.
    init(pool: PQPool, reconciler: Reconciler, clock: DatabaseClock, commandLasts: Duration, logger: Logger) {
        self.pool = pool
        self.reconciler = reconciler
        self.clock = clock
        self.commandLasts = commandLasts
        self.logger = logger
        (signals, signal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Takes a hint of an account, unless it came before, or names nothing that may be a session.
    func take(_ hint: SessionHint, account: String) {
        let names = [hint.session, hint.instanceID].compactMap { $0 }
        // No session's name has U+0000 in it, and PostgreSQL takes no such text: all others of the batch would be lost with it.
        guard !names.isEmpty, !names.contains(where: { $0.utf8.contains(0) }) else { return meters.note("no_session") }
        guard memory.withLock({ $0.isFirst(hint, of: account) }) else { return meters.note("duplicate") }
        let isTaken = waiting.withLock { waiting in
            guard waiting.count < Self.limit else { return false }
            waiting.append(Item(hint: hint, account: account))
            return true
        }
        guard !isTaken else {
            signal.yield()
            return
        }
        meters.note("dropped")
        forget([Item(hint: hint, account: account)])
    }

    /// Lets hints that were not heeded be news when they come again.
    private func forget(_ items: [Item]) {
        memory.withLock { memory in
            for item in items { memory.forget(item.hint, of: item.account) }
        }
    }

    func run() async throws {
        await BackgroundTasks.untilShutdown {
            for await _ in self.signals {
                try? await Task.sleep(for: Self.pause)  // Cancelled: the loop ends.
                let items = self.waiting.withLock { waiting in
                    defer { waiting = [] }
                    return waiting
                }
                guard !items.isEmpty else { continue }
                do {
                    try await self.work(items)
                } catch {
                    self.forget(items)
                    self.logger.debug(
                        "hints not heeded",
                        metadata: [LogKeys.count: "\(items.count)", LogKeys.error: "\(error)"]
                    )
                }
            }
        }
    }

    private func work(_ items: [Item]) async throws(PQError) {
        let now = clock.now()
        var wakes: [Int64: Wake] = [:]
        var isFound = [Bool](repeating: false, count: items.count)
        for found in try await sessions(items) {
            isFound[found.item] = true
            let hint = items[found.item].hint
            let effect = memory.withLock { memory in
                memory.effect(
                    of: hint,
                    on: found.known,
                    instance: found.wake.instance,
                    now: now,
                    commandLasts: commandLasts
                )
            }
            meters.note(effect.rawValue)
            if effect.looks { wakes[found.wake.instance] = found.wake }
        }
        for isKnown in isFound where !isKnown { meters.note("unknown_session") }
        guard !wakes.isEmpty else { return }
        reconciler.heed(Array(wakes.values))
    }

    private struct Found: Sendable {
        /// Which of the hints.
        var item: Int
        var wake: Wake
        var known: HintedSession
    }

    /// The sessions that hints are about, among those of their account.
    ///
    /// Wawp names the session or, in the older form, the instance; WAHA's session names are our instance ids.
    /// Indexes: `engine_accounts_name_key`, `instances_session_key`, `instances_of_name`, `observed_states_pkey`,
    /// `looks_pkey`.
    private func sessions(_ items: [Item]) async throws(PQError) -> [Found] {
        try await pool.rows(Self.lookUp(items.map { ($0.account, $0.hint) })) { row throws(PQError) in
            Found(
                item: Int(try row.column("item", as: Int64.self)) - 1,
                wake: Wake(
                    instance: try row.column("instance", as: Int64.self),
                    account: try row.column("account", as: Int32.self)
                ),
                known: try HintedSession(row)
            )
        }
    }

    static func lookUp(_ items: [(account: String, hint: SessionHint)]) -> PQStatement {
        """
        SELECT n.item, x.instance, x.account, o.reading, greatest(o.read_at, l.looked_at) AS read_at, o.command_action,
            o.command_sent_at
        FROM unnest(
            \(items.map(\.account)),
            \(items.map(\.hint.session)),
            \(items.map(\.hint.instanceID))
        ) WITH ORDINALITY AS n (account, session, instance_id, item)
        JOIN engine_accounts e ON e.name = n.account
        CROSS JOIN LATERAL (
            (SELECT i.instance, i.account
            FROM instances i
            WHERE i.account = e.account
              AND i.instance_id = ANY (ARRAY[n.instance_id, n.session]))
            UNION
            (SELECT i.instance, i.account
            FROM instances i
            WHERE i.account = e.account
              AND i.session_name = n.session)
            LIMIT 2
        ) x
        LEFT JOIN observed_states o ON o.instance = x.instance
        LEFT JOIN looks l ON l.instance = x.instance
        ORDER BY n.item
        """
    }
}

extension HintedSession {
    /// Reads a row of `HintDesk.lookUp`.
    init(_ row: PQRow) throws(PQError) {
        self.init(
            reading: try row.column("reading", as: String?.self).map { SessionReading(stored: $0) },
            readAt: try row.column("read_at", as: Timestamp?.self),
            action: try row.column("command_action", as: Int16?.self).flatMap { Action(code: $0) },
            sentAt: try row.column("command_sent_at", as: Timestamp?.self)
        )
    }
}

/// Counts what came of hints.
private struct HintMeters: Sendable {
    func note(_ effect: String) {
        Counter(label: "engine_hints", dimensions: [("effect", effect)]).increment()
    }
}
