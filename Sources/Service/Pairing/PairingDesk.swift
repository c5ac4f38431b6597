import Domain
import LibPQ
import Synchronization

/// Gets from an engine what a person pairs a session with, within the account's budget of calls.
///
/// Where this replica acts for the account the read goes before everything else that waits. Where another does, this one makes
/// the call itself in a slot: the acting replica leaves one call a second to all others together (``CallQueue/reserve(_:)``),
/// and the slots are further apart than a second. What the engine answers stays in memory.
final class PairingDesk: Sendable {
    /// Reads under way at a time; each keeps a request waiting.
    private static let limit = 16
    /// How long a request waits for its turn.
    private static let patience: Duration = .seconds(10)
    /// How far slots are apart, and how soon one is used: the difference is more than a second.
    private static let slotDistance: Duration = .milliseconds(1_300)
    private static let slotLength: Duration = .milliseconds(200)
    private static let slotPause: Duration = .milliseconds(150)
    /// After so long the acting replica has noticed this one, or has lost its lease.
    private static let noticedAfter: Duration = .seconds(6)
    /// Who beat longer ago may have been forgotten.
    private static let freshBeat: Duration = .seconds(2)

    private let reconciler: Reconciler
    private let pool: PQPool
    private let clock: DatabaseClock
    private let startedAt = ContinuousClock.now
    private let taken = Mutex(0)

    init(reconciler: Reconciler, pool: PQPool, clock: DatabaseClock) {
        self.reconciler = reconciler
        self.pool = pool
        self.clock = clock
    }

    /// Asks the engine.
    ///
    /// - Throws: ``Problem`` `overloaded` when it is not this request's turn in time; ``PQError``.
    func ask(_ wish: PairingWish, of address: SessionAddress, account: Int32) async throws -> PairingAnswer {
        let hasPlace = taken.withLock { taken in
            guard taken < Self.limit else { return false }
            taken += 1
            return true
        }
        guard hasPlace else { throw Problem(.overloaded, retryAfter: 2) }
        defer { taken.withLock { $0 -= 1 } }
        let deadline = ContinuousClock.now + Self.patience
        var wasTakenBack = false
        while ContinuousClock.now < deadline, !Task.isCancelled {
            if let answer = await reconciler.pairing(wish, of: address, account: account, by: deadline) {
                return answer
            }
            // Whoever acts has the whole budget to keep to, and no slot beside it.
            if reconciler.actingWorker(account) == nil, let end = try await takeSlot(account) {
                let answer = await reconciler.pairingBeside(wish, of: address, account: account) { [clock] in
                    end - clock.now()
                }
                if answer.wasSent { return answer }
                // One that found no connection in time has one in the next slot, if there is an engine.
                wasTakenBack = true
            }
            try? await Task.sleep(for: Self.slotPause)  // Cancelled: the loop ends.
        }
        if wasTakenBack { return .refused(EngineAnswer(verdict: .unreachable, detail: "no connection")) }
        throw Problem(.overloaded, retryAfter: 2)
    }

    /// Takes the account's slot if it is free.
    ///
    /// - Returns: until when a call may leave; `nil` when none may.
    private func takeSlot(_ account: Int32) async throws(PQError) -> Timestamp? {
        let now = ContinuousClock.now
        guard now - startedAt >= Self.noticedAfter, let beat = reconciler.lastBeat, now - beat < Self.freshBeat,
            reconciler.leavesRoom(account)
        else { return nil }
        let ends = try await pool.rows(
            """
            INSERT INTO pairing_slots AS s (account, next_at)
            VALUES (\(account), clock_timestamp() + make_interval(secs => \(Self.slotDistance.inSeconds)))
            ON CONFLICT (account) DO UPDATE
            SET next_at = excluded.next_at
            WHERE s.next_at <= clock_timestamp()
            RETURNING next_at - make_interval(secs => \(Self.slotDistance.inSeconds)) AS taken_at
            """
        ) { row throws(PQError) in try row.column("taken_at", as: Timestamp.self) + Self.slotLength }
        return ends.first.flatMap { clock.now() < $0 ? $0 : nil }
    }
}
