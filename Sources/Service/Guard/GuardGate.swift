package import Domain
import LibPQ

/// Who or what asks for a change that is no clock event.
package enum GuardOrigin: Sendable, Hashable {
    /// Somebody edits one agent or a few.
    case edit
    /// A file lists agents; the changes that its earlier portions made wait, if any.
    case listing(GuardTicket)
    /// Somebody orders the same about many agents at once.
    case bulk(BulkOrder)
    /// Somebody confirmed it: nothing more is asked. `marks`: but about sessions that it brings, since it is a list's.
    case approved(marks: Bool)
    /// The part of a change by this number, which somebody confirmed: carried out once, unless something newer took its place.
    case part(Int64)

    var isListing: Bool {
        if case .listing = self { true } else { false }
    }

    var isApproved: Bool {
        if case .approved = self { true } else { false }
    }

    /// Whether sessions that it brings are marked, so that no stop follows for them from a list alone.
    var marks: Bool {
        if case .approved(let marks) = self { marks } else { isListing && !ticket.isDry }
    }

    var isBulk: Bool {
        if case .bulk = self { true } else { false }
    }

    var ticket: GuardTicket {
        if case .listing(let ticket) = self { ticket } else { GuardTicket() }
    }
}

/// The held changes that one import adds to, however many portions it has.
package struct GuardTicket: Sendable, Hashable {
    /// What waits.
    package var held: Int64?
    /// What marks sessions that the import brought.
    package var listing: Int64?
    /// What the whole import weighs; `nil` where its one portion is the whole.
    package var whole: GuardWeight?
    /// Whether it is all taken back, so that nothing is written down of what waits: not even a number is used up.
    package var isDry = false

    package init() {}
}

/// How much a change weighs that is written in portions, so that each is judged as a part of it.
package struct GuardWeight: Sendable, Hashable {
    /// Instances of which something else would be desired by all of it, with what passed within the window.
    package var affected: Int64
    /// How many instances there would be.
    package var fleet: Int64

    package init(affected: Int64, fleet: Int64) {
        self.affected = affected
        self.fleet = fleet
    }
}

/// An order about many agents, which the guard judges as a whole.
package struct BulkOrder: Sendable, Hashable {
    /// That it has to wait, and what follows from that.
    struct Waiting: Sendable, Hashable {
        /// Instances of which something else would be desired, with what passed within the window.
        var affected: Int64
        /// How many instances there are.
        var fleet: Int64
        /// The change that its parts wait in, once there is one.
        var change: Int64?
    }

    /// `nil` when it may pass.
    var waiting: Waiting?
}

/// What of a change has to wait.
package struct HeldParts: Sendable, Hashable {
    /// The change that waits; `nil` when nothing does.
    package var change: Int64?
    /// The agents whose part waits, and why.
    package var agents: [String: GuardReason] = [:]
    /// For the next portion of the same import.
    package var ticket = GuardTicket()

    package init() {}
}

/// The guard's shell: counts what changed lately, asks ``guardVerdict(_:isListing:recent:fleet:policy:)``, writes what waits.
///
/// Everything happens in the transaction of the change, so what waits and what passes are committed together.
struct GuardGate: Sendable {
    var policy = GuardPolicy()

    /// What the verdict was made of.
    struct Verdict: Sendable {
        var waiting: [String: GuardReason]
        var affected: Int64
        var fleet: Int64
    }

    /// Judges effects; keeps other changes from being judged until the transaction ends.
    ///
    /// `whole`: what the change weighs that they are a portion of. What passed meanwhile counts as well.
    func judge(
        _ effects: [DesiredEffect],
        isListing: Bool,
        of whole: GuardWeight? = nil,
        in transaction: PQTransaction
    ) async throws(PQError) -> Verdict {
        guard !effects.isEmpty else { return Verdict(waiting: [:], affected: 0, fleet: 0) }
        try await transaction.run([AdvisoryLocks.guarded])
        let passed = try await count(GuardStatements.recent(policy.window), transaction)
        let affected = max(passed + Int64(effects.count), whole?.affected ?? 0)
        let recent = affected - Int64(effects.count)
        // The share of a fleet matters only beyond the floor.
        let known = affected > policy.floor ? try await count(GuardStatements.fleet, transaction) : 0
        let fleet = max(known, whole?.fleet ?? 0)
        let waiting = guardVerdict(effects, isListing: isListing, recent: recent, fleet: fleet, policy: policy)
        return Verdict(waiting: waiting, affected: affected, fleet: fleet)
    }

    /// Judges a change of so many instances as a whole, as ``judge(_:isListing:in:)`` does one whose effects are named.
    func weigh(
        _ changing: Int64,
        in transaction: PQTransaction
    ) async throws(PQError) -> (isTooMuch: Bool, affected: Int64, fleet: Int64) {
        try await transaction.run([AdvisoryLocks.guarded])
        let recent = try await count(GuardStatements.recent(policy.window), transaction)
        let fleet = try await count(GuardStatements.fleet, transaction)
        return (policy.forbids(changing, recent: recent, fleet: fleet), recent + changing, fleet)
    }

    /// Remembers how much passed.
    func note(_ effects: [DesiredEffect], by actor: String, in transaction: PQTransaction) async throws(PQError) {
        try await note(Int64(effects.count), by: actor, in: transaction)
    }

    /// Remembers that something passed that concerned so many instances.
    func note(_ instances: Int64, by actor: String, in transaction: PQTransaction) async throws(PQError) {
        guard instances > 0 else { return }
        try await transaction.run(GuardStatements.note(instances, by: actor, window: policy.window))
    }

    /// Writes down what waits: in a change of its own, or in that of an earlier portion.
    ///
    /// - Returns: the change.
    func hold(
        _ parts: [HeldPart],
        as kind: HeldKind,
        within earlier: Int64? = nil,
        verdict: Verdict,
        by actor: String,
        _ transaction: PQTransaction
    ) async throws(PQError) -> Int64 {
        let reason: GuardReason = parts.contains { $0.reason == .tooMany } ? .tooMany : .fromListing
        var change = try await open(earlier, transaction)
        if change == nil {
            change = try await transaction.rows(
                GuardStatements.open(
                    kind: kind,
                    reason: reason,
                    by: actor,
                    lifetime: policy.lifetime,
                    noLaterThan: end(of: parts),
                    affected: verdict.affected,
                    fleet: verdict.fleet
                )
            ) { row throws(PQError) in try row.column("change", as: Int64.self) }.first
        }
        guard let change else { return 0 }  // An INSERT … RETURNING has its row.
        let slots = Dictionary(grouping: parts, by: \.what.slot)
        var statements: [PQStatement] = []
        for (slot, parts) in slots.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            statements.append(GuardStatements.supersede(parts.map(\.agentID), slot: slot, by: actor))
        }
        statements += [
            GuardStatements.add(parts, to: change), GuardStatements.raise(change),
            GuardStatements.audit("guard.hold", of: change, by: actor, agents: parts.count),
        ]
        try await transaction.run(statements + GuardStatements.close(by: actor))
        return change
    }

    /// When nothing is left to decide, since holds that are over change nothing; `nil` where parts have no end.
    private func end(of parts: [HeldPart]) -> Timestamp? {
        var end: Timestamp?
        for part in parts {
            guard case .hold(let hold) = part.what else { return nil }
            end = max(end ?? hold.until, hold.until)
        }
        return end
    }

    /// The change of an earlier portion, if it still waits, locked.
    func open(_ earlier: Int64?, _ transaction: PQTransaction) async throws(PQError) -> Int64? {
        guard let earlier else { return nil }
        return try await transaction.rows(
            "SELECT change FROM guard_changes WHERE change = \(earlier) AND state = 'held' FOR UPDATE"
        ) { row throws(PQError) in try row.column("change", as: Int64.self) }.first
    }

    private func count(_ statement: PQStatement, _ transaction: PQTransaction) async throws(PQError) -> Int64 {
        try await transaction.query(statement)[0].column("count", as: Int64.self)
    }
}
