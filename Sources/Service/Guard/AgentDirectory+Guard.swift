import Domain
import LibPQ

/// Changes of the map that the guard judges: it does them, looks at what they would change, and takes back what has to wait.
extension AgentDirectory {
    /// What was made of some specifications.
    struct GuardedChange: Sendable {
        var change: AgentMapChange
        var matched: Matched
        var held = HeldParts()
        /// Of how many instances it would have something else desired, and of how many it has, with what waits left out.
        var changing: Int64 = 0
        var passing: Int64 = 0
        /// How many instances it would bring.
        var adding: Int64 = 0
    }

    /// One set of specifications, and how the map was when its transaction began.
    private struct Request {
        var specs: [AgentSpec]
        var map: AgentMap
        var caller: Caller?
        var author: String
        var origin: GuardOrigin
    }

    /// What of a request is left out for now.
    private struct Waiting {
        /// Agents whose session stays as it is.
        var sessions: [String: GuardReason] = [:]
        /// Agents who do not get the unmatched events under their names.
        var events: [String: GuardReason] = [:]
        /// Agents whose session waits already, for the same: nothing is written anew.
        var repeated: [String: (change: Int64, reason: GuardReason)] = [:]
        /// Agents whose unmatched events wait already.
        var repeatedEvents: [String: (change: Int64, reason: GuardReason)] = [:]
        /// Agents whom earlier portions of the same import name, and whose session waits to be another's.
        var earlier: Set<String> = []
        var effects: [String: DesiredEffect] = [:]
        var isTooMuch = false

        func spec(_ spec: AgentSpec) -> AgentSpec {
            sessions[spec.agentID] != nil || repeated[spec.agentID] != nil ? spec.keepingSession : spec
        }

        /// The parts to write down.
        func parts(_ specs: [AgentSpec]) -> [HeldPart] {
            var parts: [HeldPart] = []
            for spec in specs {
                let effect = effects[spec.agentID]
                let make = { (what: HeldWhat, reason: GuardReason) in
                    HeldPart(
                        agentID: spec.agentID,
                        what: what,
                        reason: reason,
                        before: effect?.before ?? .stopped,
                        after: effect?.after ?? .stopped
                    )
                }
                if let reason = sessions[spec.agentID], let session = spec.instance.session {
                    parts.append(make(.instance(session), reason))
                }
                if let reason = events[spec.agentID] { parts.append(make(.events, reason)) }
            }
            return parts
        }
    }

    /// Writes a change, but for what the guard holds.
    ///
    /// Needs the lock of the map.
    func applyGuarded(
        _ specs: [AgentSpec],
        map: AgentMap,
        caller: Caller?,
        author: String,
        origin: GuardOrigin,
        in transaction: PQTransaction
    ) async throws(PQError) -> GuardedChange {
        let request = Request(specs: specs, map: map, caller: caller, author: author, origin: origin)
        var waiting = try await standing(request, in: transaction)
        var verdict = GuardGate.Verdict(waiting: [:], affected: 0, fleet: 0)
        let whole = AgentMapChange(specs, map: map, caller: caller, mayMove: waiting.earlier.contains)
        let agentIDs = specs.map(\.agentID)
        let before = try DesiredRuns(
            try await transaction.query(GuardStatements.runs(of: agentIDs, sessions: whole.assigned))
        )
        var all: (changing: Int64, adding: Int64)?
        // Each round leaves out more: at most every session, then every event.
        while true {
            let change = self.change(request, waiting, unlike: whole)
            waiting.sessions.merge(change.dependent) { reason, _ in reason }
            try await transaction.run(["SAVEPOINT guard"])
            let matched = try await apply(change.change, author: author, in: transaction)
            let after = try DesiredRuns(
                try await transaction.query(
                    GuardStatements.runs(of: agentIDs, instances: before.byInstance.keys.sorted())
                )
            )
            // An edit is somebody's word, also about a session of which only lists spoke until then.
            let effects = before.effects(until: after, of: Set(agentIDs), countsListed: origin != .edit)
            let known = all ?? (Int64(effects.count), after.added(since: before))
            all = known
            if !origin.isApproved,
                try await take(effects, of: change.change, request, &waiting, &verdict, in: transaction)
            {
                try await transaction.run(["ROLLBACK TO SAVEPOINT guard"])
                continue
            }
            var guarded = GuardedChange(change: change.change, matched: matched)
            (guarded.changing, guarded.adding) = known
            guarded.passing = Int64(effects.count)
            guarded.held = try await finish(request, waiting, verdict, in: transaction)
            try await GuardGate().note(origin.isApproved ? [] : effects, by: author, in: transaction)
            guarded.held.ticket.listing = try await mark(before, after, request, in: transaction)
            return guarded
        }
    }

    /// What waits already of the agents: what says the same goes on waiting, anything else is superseded by what is said now.
    private func standing(_ request: Request, in transaction: PQTransaction) async throws(PQError) -> Waiting {
        var waiting = Waiting()
        guard !request.origin.isApproved else { return waiting }
        let named = Set(request.specs.map(\.agentID))
        // Whoever an import gives a session to waits with whoever has it, also where that one stood in an earlier portion.
        let owners = request.origin.isListing ? Set(AgentSessionMoves(request.specs, map: request.map).heirs.keys) : []
        let rows = try await transaction.query(GuardStatements.waiting(of: named.union(owners).sorted()))
        let saying = request.specs.filter { $0.instance != .keep }
        var superseded: [String] = []
        for row in rows {
            let agentID = try row.column("agent_id", as: String.self)
            guard
                let what = HeldWhat(
                    kind: try row.column("kind", as: String.self),
                    json: try row.column("what", as: PQJSON.self)
                )
            else { continue }
            guard named.contains(agentID) else {
                if what.slot == .instance { waiting.earlier.insert(agentID) }
                continue
            }
            let earlier = (
                change: try row.column("change", as: Int64.self),
                reason: GuardReason(rawValue: try row.column("reason", as: String.self)) ?? .tooMany
            )
            if what == .events { waiting.repeatedEvents[agentID] = earlier }
            guard what.slot == .instance, let spec = saying.first(where: { $0.agentID == agentID }) else { continue }
            if spec.instance.session.map({ .instance($0) }) == what {
                waiting.repeated[agentID] = earlier
            } else {
                superseded.append(agentID)
            }
        }
        if !superseded.isEmpty {
            try await transaction.run(
                [GuardStatements.supersede(superseded, slot: .instance, by: request.author)]
                    + GuardStatements.close(by: request.author)
            )
        }
        return waiting
    }

    /// The change without what waits, and whose session waits only because another's does.
    private func change(
        _ request: Request,
        _ waiting: Waiting,
        unlike whole: AgentMapChange
    ) -> (change: AgentMapChange, dependent: [String: GuardReason]) {
        var dependent: [String: GuardReason] = [:]
        while true {
            var left = waiting
            left.sessions.merge(dependent) { reason, _ in reason }
            var change = AgentMapChange(request.specs.map(left.spec), map: request.map, caller: request.caller)
            var isWhole = true
            for (place, spec) in request.specs.enumerated() where left.spec(spec).instance != .keep {
                guard case .refused = change.outcomes[place] else { continue }
                if case .refused = whole.outcomes[place] { continue }
                dependent[spec.agentID] = .tooMany
                isWhole = false
            }
            guard isWhole else { continue }
            change.rematched.removeAll { waiting.events[$0] != nil || waiting.repeatedEvents[$0] != nil }
            return (change, dependent)
        }
    }

    /// Judges effects and notes what has to wait; `false` when all of it may pass.
    private func take(
        _ effects: [DesiredEffect],
        of change: AgentMapChange,
        _ request: Request,
        _ waiting: inout Waiting,
        _ verdict: inout GuardGate.Verdict,
        in transaction: PQTransaction
    ) async throws(PQError) -> Bool {
        var reasons: [String: GuardReason] = [:]
        if waiting.isTooMuch {
            for effect in effects { reasons[effect.agentID] = .tooMany }
        } else {
            let judged = try await GuardGate().judge(
                effects,
                isListing: request.origin.isListing,
                of: request.origin.ticket.whole,
                in: transaction
            )
            if verdict.affected == 0 { verdict = judged }
            reasons = judged.waiting
            waiting.isTooMuch = reasons.values.contains(.tooMany)
        }
        var isMore = false
        for spec in request.specs {
            guard let reason = reasons[spec.agentID] else { continue }
            if waiting.effects[spec.agentID] == nil {
                waiting.effects[spec.agentID] = effects.first { $0.agentID == spec.agentID }
            }
            if spec.instance != .keep, waiting.sessions[spec.agentID] == nil, waiting.repeated[spec.agentID] == nil {
                waiting.sessions[spec.agentID] = reason
                isMore = true
            } else if change.rematched.contains(spec.agentID) {
                waiting.events[spec.agentID] = reason
                isMore = true
            }
        }
        return isMore
    }

    /// Writes down what waits.
    private func finish(
        _ request: Request,
        _ waiting: Waiting,
        _ verdict: GuardGate.Verdict,
        in transaction: PQTransaction
    ) async throws(PQError) -> HeldParts {
        var held = HeldParts()
        held.ticket = request.origin.ticket
        held.agents = waiting.sessions.merging(waiting.events) { reason, _ in reason }
        for (agentID, earlier) in waiting.repeated.merging(waiting.repeatedEvents, uniquingKeysWith: { $1 }) {
            held.agents[agentID] = earlier.reason
            held.change = earlier.change
        }
        let parts = waiting.parts(request.specs)
        guard !parts.isEmpty, !request.origin.ticket.isDry else { return held }
        let change = try await GuardGate().hold(
            parts,
            as: request.origin.isListing ? .fromImport : .edit,
            within: request.origin.ticket.held,
            verdict: verdict,
            by: request.author,
            transaction
        )
        held.change = change
        held.ticket.held = change
        return held
    }

    /// Marks sessions that a listing brought of agents of whom nobody ever said anything: new ones, and those that nobody had.
    private func mark(
        _ before: DesiredRuns,
        _ after: DesiredRuns,
        _ request: Request,
        in transaction: PQTransaction
    ) async throws(PQError) -> Int64? {
        let known = request.origin.ticket.listing
        guard request.origin.marks else { return nil }
        let brought = after.byInstance.values.filter {
            before.byInstance[$0.instance]?.agentID == nil && !$0.isSaid && $0.agentID != nil
        }
        guard !brought.isEmpty else { return known }
        // What an earlier portion opened may be settled or decided by now, and nobody decides on it again.
        var listing = try await GuardGate().open(known, transaction)
        if listing == nil {
            listing = try await transaction.rows(
                GuardStatements.open(
                    kind: .listing,
                    reason: .fromListing,
                    by: request.author,
                    lifetime: nil,
                    affected: 0,
                    fleet: 0
                )
            ) { row throws(PQError) in try row.column("change", as: Int64.self) }.first
        }
        guard let listing else { return nil }
        try await transaction.run([GuardStatements.mark(brought.map(\.instance).sorted(), listedBy: listing)])
        return listing
    }
}
