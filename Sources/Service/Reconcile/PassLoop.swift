import Domain
import Logging
import Synchronization

/// Collects what was learned about an account's instances and writes it in batches.
///
/// Batches form by themselves: what comes while one is written goes into the next. Looks that found everything as it
/// should be need no pass; they are noted in bulk.
final class PassLoop: Sendable {
    /// Passes in one transaction.
    static let batchLimit = 512
    /// Clean looks in one statement.
    static let lookLimit = 2048
    /// Looks that nobody waits for in one statement: at rest one is made in 5 s, and none is worth a statement of its own.
    static let idleLookLimit = 12
    /// How long outcomes are gathered before they are written: nobody waits for them sooner.
    static let linger: Duration = .milliseconds(20)
    /// Between tries while the database is away; what was learned is kept meanwhile.
    static let retryPause: Duration = .milliseconds(250)
    /// A batch that has been written for less is none that cannot be written.
    static let patience: Duration = .seconds(2)

    fileprivate struct State {
        var items: [PassItem] = []
        var looks: [Look] = []
        var waiter: CheckedContinuation<Bool, Never>?
        /// When the batch was taken that is being written; what waits came later.
        var takenAt: Timestamp?
        /// Whether that batch tells what became of commands.
        var isWritingOutcomes = false
        var isClosed = false
    }

    private let state = Mutex(State())
    private let clock: DatabaseClock

    init(clock: DatabaseClock = DatabaseClock()) {
        self.clock = clock
    }

    /// What one round of the loop has to write.
    struct Batch: Sendable {
        var items: [PassItem]
        var looks: [Look]

        /// Two parts of it, in order; `nil` for what cannot be parted.
        var halves: (Batch, Batch)? {
            if !items.isEmpty, !looks.isEmpty {
                return (Batch(items: [], looks: looks), Batch(items: items, looks: []))
            }
            guard items.count + looks.count > 1 else { return nil }
            let (item, look) = (items.count / 2, looks.count / 2)
            return (
                Batch(items: Array(items[..<item]), looks: Array(looks[..<look])),
                Batch(items: Array(items[item...]), looks: Array(looks[look...]))
            )
        }
    }

    /// How much waits to be written.
    var count: Int { state.withLock { $0.items.count + $0.looks.count } }

    /// Whether what became of a command waits to be written, or is being written.
    var hasOutcomes: Bool {
        state.withLock { $0.isWritingOutcomes || $0.items.contains(where: \.endsCommand) }
    }

    /// Since when what was learned could not be written; `nil` while it can.
    func unwrittenSince(now: Timestamp) -> Timestamp? {
        state.withLock { $0.takenAt.flatMap { now - $0 >= Self.patience ? $0 : nil } }
    }

    func add(_ item: PassItem) {
        wake { $0.items.append(item) }
    }

    /// Notes a look that found everything as stored and as it should be.
    func addCleanLook(_ look: Look) {
        wake { $0.looks.append(look) }
    }

    /// Notes a clean look that was made only to hear the engine: with what else is written, or once a few are together.
    func addIdleLook(_ look: Look) {
        let isEnough = state.withLock { state in
            state.looks.append(look)
            return state.looks.count >= Self.idleLookLimit
        }
        if isEnough { wake { _ in } }
    }

    /// Lets ``next()`` return `nil` once everything is taken.
    func close() {
        wake { $0.isClosed = true }
    }

    /// The next batch: at once for what people wait for, else after a moment in which more may come.
    ///
    /// Who asks has written the one before it.
    ///
    /// - Returns: `nil` when the loop was closed and is empty.
    func next() async -> Batch? {
        while true {
            let urgent = await withCheckedContinuation { (continuation: CheckedContinuation<Bool, Never>) in
                let ready = state.withLock { state -> Bool? in
                    state.takenAt = nil
                    state.isWritingOutcomes = false
                    guard state.items.isEmpty, state.looks.isEmpty, !state.isClosed else { return state.isUrgent }
                    state.waiter = continuation
                    return nil
                }
                if let ready { continuation.resume(returning: ready) }
            }
            if !urgent { try? await clock.sleep(for: Self.linger) }  // Cancelled at the end only.
            let now = clock.now()
            let (batch, isClosed) = state.withLock { state in (state.take(now: now), state.isClosed) }
            if let batch { return batch }
            if isClosed { return nil }
        }
    }

    private func wake(_ change: (inout State) -> Void) {
        let waiter = state.withLock { state -> (CheckedContinuation<Bool, Never>, Bool)? in
            change(&state)
            guard let waiter = state.waiter else { return nil }
            state.waiter = nil
            return (waiter, state.isUrgent)
        }
        if let (waiter, urgent) = waiter { waiter.resume(returning: urgent) }
    }
}

extension PassLoop.State {
    /// Whether a person waits, or there is a full batch anyway.
    ///
    /// What a call brought is not urgent, whoever asked for it: in a burst it comes by the thousand, and is written together.
    fileprivate var isUrgent: Bool {
        isClosed || items.count >= PassLoop.batchLimit
            || items.contains { $0.priority == .people && $0.news == nil }
    }

    fileprivate mutating func take(now: Timestamp) -> PassLoop.Batch? {
        guard !items.isEmpty || !looks.isEmpty else { return nil }
        let batch = PassLoop.Batch(
            items: Array(items.prefix(PassLoop.batchLimit)),
            looks: Array(looks.prefix(PassLoop.lookLimit))
        )
        items.removeFirst(batch.items.count)
        looks.removeFirst(batch.looks.count)
        takenAt = now
        isWritingOutcomes = batch.items.contains(where: \.endsCommand)
        return batch
    }
}
