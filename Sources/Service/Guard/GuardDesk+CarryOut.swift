import Domain
import LibPQ

extension GuardDesk {
    /// Carries out what was approved, by whomever, until nothing is left or others are at the rest.
    ///
    /// What came of a part is written in the transaction that carries it out, so that it happens once, whoever crashes or takes
    /// long; and what is newer ends what is still to be carried out. Whoever is cancelled leaves to others at once what is not
    /// carried out yet.
    package func carryOut() async throws {
        for _ in 0..<Self.portionLimit {
            try Task.checkCancellation()
            // Whoever is cancelled while the claim is made would not know of it, and could not give it back.
            let due = try await BackgroundTasks.toTheEnd { try await claimPortion() }
            guard !due.isEmpty else { return }
            var outcomes: [Int64: String] = [:]
            do {
                try await carryOut(due, &outcomes)
            } catch {
                // What is cut short once more ends with the claim.
                try? await write(outcomes, of: due)
                throw error
            }
            try await write(outcomes, of: due)
            if due.count < Int(Self.portion) || due.allSatisfy({ $0.what == nil }) { return }
        }
    }

    /// A portion, what was asked for first before all else.
    private func claimPortion() async throws(PQError) -> [DuePart] {
        try await pool.rows(GuardDueStatements.claim, timeout: Self.claimTimeout, DuePart.init)
            .sorted { $0.item < $1.item }
    }

    /// Carries out a portion, but for what this release does not know.
    ///
    /// `outcomes`: gets what came of the parts of which that is not written yet, also of those before one that throws.
    private func carryOut(_ due: [DuePart], _ outcomes: inout [Int64: String]) async throws {
        let map = due.filter { $0.what?.slot == .instance || $0.what?.slot == .events }
        // Of a list new sessions are marked; an edit is somebody's word.
        for parts in [map.filter(\.isFromList), map.filter { !$0.isFromList }] {
            for (author, parts) in Dictionary(grouping: parts, by: \.author) {
                outcomes.merge(try await directory.carryOut(parts, author: author)) { first, _ in first }
            }
        }
        for part in due where part.what?.slot == .order { outcomes[part.item] = try await order(part) }
    }

    /// Writes down what came of a portion, and frees what this release does not know, and all the rest if this task is cancelled.
    ///
    /// Of what failed otherwise the claim goes on, so that it is not tried again right away.
    private func write(_ outcomes: [Int64: String], of due: [DuePart]) async throws {
        var statements: [PQStatement] = []
        if !outcomes.isEmpty { statements.append(GuardDueStatements.complete(outcomes)) }
        let isCancelled = Task.isCancelled
        let rest = due.filter { $0.what == nil || (isCancelled && outcomes[$0.item] == nil) }
        if !rest.isEmpty { statements.append(GuardDueStatements.release(rest)) }
        let written = statements
        _ = try await BackgroundTasks.toTheEnd { try await pool.pipeline(written) }
    }

    /// Carries out an order.
    ///
    /// - Returns: what stood against it; `nil` when it is done, which is written already, or not to be done any more.
    private func order(_ part: DuePart) async throws -> String? {
        let caller = Caller(keyID: GuardDueStatements.nobody, name: part.author, role: .admin, sourceID: 0)
        let origin = GuardOrigin.part(part.item)
        do {
            switch part.what {
            case .hold(let hold):
                guard hold.until > directory.clock.now() else { return "over" }
                _ = try await orders.hold(part.agentID, hold, by: caller, origin: origin)
            case .release: _ = try await orders.release(part.agentID, by: caller, origin: origin)
            case .removal(let erases):
                _ = try await orders.remove(part.agentID, stop: true, erase: erases, by: caller, origin: origin)
            case .instance, .events, nil: break
            }
            return nil
        } catch is PartIsOver {
            return nil
        } catch let problem as Problem {
            return problem.code.rawValue
        }
    }
}

extension AgentDirectory {
    /// What was written of some parts.
    private struct CarriedOut: Sendable {
        var guarded: GuardedChange
        /// What came of the parts of which that is not written yet: events may go on for some time, and nothing newer ends them.
        var outcomes: [Int64: String]
    }

    /// Gives sessions and events to agents as it was approved, but for what is not to be carried out any more.
    ///
    /// `parts`: all of imports, or none.
    /// - Returns: what came of the parts of which that is not written yet.
    func carryOut(_ parts: [DuePart], author: String) async throws -> [Int64: String] {
        let done = try await retryingConflicts {
            try await pool.withTransaction { transaction in
                try await carryOut(parts, author: author, in: transaction)
            }
        }
        guard let done else { return [:] }
        _ = try await followUp(done.guarded)
        return done.outcomes
    }

    private func carryOut(
        _ parts: [DuePart],
        author: String,
        in transaction: PQTransaction
    ) async throws(PQError) -> CarriedOut? {
        // A lock of its own statement: what its last holder ended is not carried out.
        try await transaction.run([AdvisoryLocks.map])
        let due = Set(
            try await transaction.rows(GuardDueStatements.lock(parts.map(\.item))) { row throws(PQError) in
                try row.column("item", as: Int64.self)
            }
        )
        let byAgent = Dictionary(grouping: parts.filter { due.contains($0.item) }, by: \.agentID)
        guard !byAgent.isEmpty else { return nil }
        let specs = byAgent.sorted { $0.key < $1.key }.map { AgentSpec($0.key, as: $0.value) }
        let origin = GuardOrigin.approved(marks: parts.contains(where: \.isFromList))
        let guarded = try await write(specs, caller: nil, author: author, origin: origin, in: transaction)
        var written: [Int64: String] = [:]
        var unwritten: [Int64: String] = [:]
        for (spec, outcome) in zip(specs, guarded.change.outcomes) {
            var word = "done"
            if case .refused(let problem) = outcome { word = problem.code.rawValue }
            for part in byAgent[spec.agentID] ?? [] {
                if part.what?.slot == .instance { written[part.item] = word } else { unwritten[part.item] = word }
            }
        }
        if !written.isEmpty { try await transaction.run([GuardDueStatements.complete(written)]) }
        return CarriedOut(guarded: guarded, outcomes: unwritten)
    }
}

extension AgentSpec {
    /// What was approved of one agent.
    fileprivate init(_ agentID: String, as parts: [DuePart]) {
        self.init(agentID: agentID)
        for part in parts {
            if case .instance(let session) = part.what { instance = session.map { .set($0) } ?? .remove }
        }
    }
}
