import Domain
import FoundationEssentials
import LibPQ

/// The one statement per second and replica: heartbeat, leases, what others put in line, what became due by the clock.
struct Housekeeping: Sendable {
    /// How often.
    static let interval: Duration = .seconds(1)
    /// How long a replica counts as alive after its last heartbeat: with one more heartbeat of whoever takes over, all that it
    /// did is taken up within 5 s.
    static let leaseTTL: Duration = .milliseconds(3500)
    /// No command leaves in the last part of a lease: the clocks of two machines need not run alike.
    static let leaseMargin: Duration = .milliseconds(500)
    /// So long at least no call has left when a lease has run out; the rest of the margin is left to the clocks.
    static let quietAtExpiry: Duration = .milliseconds(250)
    /// A row that is due this long is taken whatever its number: numbers commit in another order than they are drawn.
    static let overdueAfter: Duration = .seconds(2)
    /// Rows named by one beat of each kind.
    static let rowLimit: Int64 = 1000

    let store: any ReconcilerStore
    let replica: UUID
    let release: String
    let accounts: [Int32]
    let clock: DatabaseClock
    var crashPoints = CrashPoints()
    /// What a break does by this replica's settings.
    var breakAction = BreakAction.keep

    /// What a heartbeat answered, as this process may use it.
    struct Answer: Sendable {
        var leases: [Int32: HeldLease] = [:]
        /// Those among them that another replica shall have: nothing leaves any more, outcomes are still recorded, and with the
        /// next beat they are given up, or said to be so once more (``YieldWait``).
        var yielding: Set<Int32> = []
        /// Of the leases taken just now.
        var handovers: [Int32: Handover] = [:]
        /// Instances others put in line since the last heartbeat, and those that lie there too long.
        var due: [Wake] = []
        /// The highest wake number seen.
        var lastWake: Int64 = 0
        /// Whether more was put in line than one beat names.
        var hasMore = false
        /// Where the next beat goes on with what lies in line too long.
        var lastOverdue: Int64 = 0
        /// Sweeps that other replicas were asked for, of accounts held here.
        var sweeps: [Int64] = []
        /// Agents with an event whose time has come.
        var parked: [Int64] = []
        /// Changes whenever an API key is made or revoked.
        var keyVersion: String = ""
        var otherReplicas: Int64 = 0
        /// Why leases were neither taken nor laid down that should have been.
        var unmoved: PQError?
    }

    /// Beats once.
    ///
    /// Without a row of its own a replica takes no lease, so the first beat only registers it.
    ///
    /// `last`: what the beat before answered.
    /// `spent`: how many calls of the yielding accounts left in the last second.
    /// `silences`: since when the engines of accounts have not answered; of an account that is missing it does.
    /// `unwritten`: since when what was found out about accounts could not be written.
    /// `isDraining`: what is held is kept, and nothing is taken any more.
    func beat(
        after last: Answer = Answer(),
        spent: [Int32: Int32] = [:],
        silences: [Int32: Timestamp] = [:],
        unwritten: [Int32: Timestamp] = [:],
        isDraining: Bool = false
    ) async throws(PQError) -> Answer {
        crashPoints.reach(.beforeBeat)
        let sent = clock.monotonic()
        let answer = try await store.beat(
            Heartbeat(
                replica: replica,
                release: release,
                accounts: isDraining ? [] : accounts,
                lastWake: last.lastWake,
                lastOverdue: last.lastOverdue,
                yielding: last.yielding,
                spent: spent,
                silences: silences,
                unwritten: unwritten,
                breakAction: breakAction
            )
        )
        clock.measured(answer.now, between: sent, and: clock.monotonic())
        crashPoints.reach(.afterBeat)
        let deadline = sent + (Self.leaseTTL - Self.leaseMargin).microseconds
        return Answer(
            leases: Dictionary(
                uniqueKeysWithValues: answer.terms.map { account, term in
                    (account, HeldLease(term: term, deadline: answer.yielding.contains(account) ? 0 : deadline))
                }
            ),
            yielding: answer.yielding,
            handovers: answer.handovers,
            due: answer.due,
            lastWake: max(last.lastWake, answer.lastWake),
            hasMore: answer.hasMore,
            lastOverdue: answer.lastOverdue,
            sweeps: answer.sweeps,
            parked: answer.parked,
            keyVersion: answer.keyVersion,
            otherReplicas: answer.otherReplicas,
            unmoved: answer.unmoved
        )
    }

    /// Lays down the leases of some accounts, says that no account is taken any more, and tells the others.
    ///
    /// `spent`: how many of their calls left in the last second.
    func layDown(_ accounts: Set<Int32>, spent: [Int32: Int32]) async throws(PQError) {
        try await store.layDown(accounts, of: replica, spent: spent)
    }

    /// Gives up the leases and the heartbeat, and says so, so that another replica need not wait.
    ///
    /// `spent`: how many calls left in the last second, by account.
    func leave(spent: [Int32: Int32]) async throws(PQError) { try await store.leave(replica, spent: spent) }
}
