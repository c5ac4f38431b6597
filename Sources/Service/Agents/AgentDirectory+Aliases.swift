import Domain
import LibPQ

/// What became, or would become, of giving one alias to an agent.
package struct AliasMapping: Sendable {
    package var alias: AliasSpec
    /// The agent who had it before; `nil` when nobody did, or the same.
    package var movedFrom: String?
    /// Whether nobody had it.
    package var isNew: Bool
    /// Unmatched events that the agent got.
    package var applied: Int
    /// Unmatched events under this name that stay unmatched.
    package var leftOut: Int
    /// Whether the figures are those of all events; false in a dry run for a name with more than one portion of them.
    package var isWhole: Bool
    package var isDryRun: Bool
    /// The change by which the unmatched events wait for somebody, if the guard holds them.
    package var heldChange: Int64?
    /// The agent before and after.
    package var before: AgentDetails
    package var after: AgentDetails
    package var aliases: [AliasSpec]
}

extension AgentDirectory {
    /// Carries a dry run's result out of the transaction that is rolled back.
    private struct DryRun: Error {
        var mapping: AliasMapping
    }

    /// Gives a name that a source uses to an agent, with the unmatched events under it.
    ///
    /// One that another agent has moves, for later events only. Asked again it takes up what may have been left.
    ///
    /// `isDryRun`: does the same and takes it back, so that the answer is the true one; nobody is woken.
    /// Throws ``Problem`` `not_found` for the source, `invalid_field` for the agent, `outside_team`; ``PQError``.
    package func map(
        _ alias: AliasSpec,
        to agentID: String,
        isDryRun: Bool,
        caller: Caller?,
        author: String
    ) async throws -> AliasMapping {
        do {
            var (mapping, matched) = try await retryingConflicts {
                try await pool.withTransaction { transaction in
                    let done = try await map(alias, to: agentID, caller: caller, author: author, in: transaction)
                    guard isDryRun else { return done }
                    var mapping = done.0
                    mapping.isDryRun = true
                    mapping.isWhole = done.1.rest == nil
                    throw DryRun(mapping: mapping)
                }
            }
            wakes.ring(matched.wakes)
            guard matched.rest != nil else { return mapping }
            mapping.applied += try await goOn([agentID], after: matched)
            // What was left out of one portion may have come with another; the same once more says how it stands now.
            let (last, _) = try await retryingConflicts {
                try await pool.withTransaction { transaction in
                    try await map(alias, to: agentID, caller: caller, author: author, in: transaction)
                }
            }
            mapping.applied += last.applied
            mapping.leftOut = last.leftOut
            mapping.after = last.after
            return mapping
        } catch let dry as DryRun {
            return dry.mapping
        }
    }

    private func map(
        _ alias: AliasSpec,
        to agentID: String,
        caller: Caller?,
        author: String,
        in transaction: PQTransaction
    ) async throws -> (AliasMapping, Matched) {
        let locks = [AdvisoryLocks.map, AgentMapStatements.lockStates([agentID])]
        let read = try await transaction.run(
            locks + [AgentMapStatements.owner(alias), AgentListStatements.one(agentID)]
        )
        let place = try AliasPlace(read[2])
        guard let before = try AgentDetailRows.read(read[3]).first, caller?.sees(team: before.team) ?? true else {
            throw Problem.invalid("agent_id", "There is no agent of this id.")
        }
        if let team = place.team, let caller, !caller.sees(team: team) {
            throw Problem(.outsideTeam, "The alias is that of an agent outside.")
        }
        let known = AgentMapChange.Alias(agentID: agentID, source: place.source, externalID: alias.externalID)
        if place.agentID != agentID {
            try await transaction.run([
                AgentMapStatements.add([known]),
                AgentMapStatements.audit([known], deed: "alias.put", movedFrom: place.agentID, author: author),
            ])
        }
        let (matched, heldChange) = try await takeGuarded(agentID, author: author, in: transaction)
        let after = try await transaction.run([
            AgentListStatements.one(agentID), AgentMapStatements.aliases(of: before.agent),
            UnmatchedStatements.leftOut(of: before.agent, under: known),
        ])
        var mapping = AliasMapping(
            alias: alias,
            movedFrom: place.agentID == agentID ? nil : place.agentID,
            isNew: place.agentID == nil,
            applied: matched.applied,
            leftOut: Int(try after[2][0].column("count", as: Int64.self)),
            isWhole: true,
            isDryRun: false,
            before: before,
            after: try AgentDetailRows.read(after[0]).first ?? before,
            aliases: try AgentMapStatements.readAliases(after[1])
        )
        mapping.heldChange = heldChange
        return (mapping, matched)
    }

    /// Takes a name from whom it belongs to; nothing happens when it is nobody's, or nobody's whom the caller sees.
    ///
    /// What it matched stays matched.
    ///
    /// - Throws: ``Problem`` `not_found` for the source; ``PQError``.
    package func unmap(_ alias: AliasSpec, caller: Caller?, author: String) async throws {
        try await retryingConflicts {
            try await pool.withTransaction { transaction in
                let read = try await transaction.run([AdvisoryLocks.map, AgentMapStatements.owner(alias)])
                let place = try AliasPlace(read[1])
                guard let agentID = place.agentID, caller?.sees(team: place.team ?? "") ?? true else { return }
                let known = AgentMapChange.Alias(agentID: agentID, source: place.source, externalID: alias.externalID)
                try await transaction.run([
                    AgentMapStatements.drop([known]), UnmatchedStatements.release([known]),
                    AgentMapStatements.audit([known], deed: "alias.delete", author: author),
                ])
            }
        }
    }
}

/// Where an alias belongs: a row of ``AgentMapStatements/owner(_:)``.
private struct AliasPlace {
    var source: Int32
    /// The agent who has it, and the team; `nil` when nobody does.
    var agentID: String?
    var team: String?

    /// - Throws: ``Problem`` `not_found` when there is no such source; ``PQError``.
    init(_ result: PQResult) throws {
        guard let row = result.first else { throw Problem(.notFound, "There is no clock source of this name.") }
        source = try row.column("source_id", as: Int32.self)
        agentID = try row.column("agent_id", as: String?.self)
        team = try row.column("team", as: String?.self)
    }
}
