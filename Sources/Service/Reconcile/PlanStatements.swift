import Domain
import LibPQ

/// The statements that write plans, as part of the transaction that made them.
///
/// All rows they touch belong to agents (or retired instances) that the transaction has locked. Joins say `= ANY (ARRAY[key])`
/// where `= key` means the same: only then can the planner do nothing but look each row up in the table's index. A plan
/// made while the table was vacuumed and empty would go through the table and look each row up in the batch, and is kept
/// until the next vacuum (measured: 12 s for a burst of 10,000).
enum PlanStatements {
    /// Everything to write; statements with nothing to do are left out.
    ///
    /// `agents`: at most one change per agent.
    /// `plans`: at most one per instance.
    /// `terms`: of the leases that commands are decided under, by account, for the commands' audit trail.
    /// `now`: the database's clock.
    static func all(agents: [AgentChange], plans: [Plan], terms: [Int32: Int64], now: Timestamp) -> [PQStatement] {
        var statements: [PQStatement] = []
        let changed = agents.filter(\.differs).map(\.after)
        if !changed.isEmpty { statements.append(store(changed, now: now)) }
        let queued = plans.filter(\.changesQueue)
        if !queued.isEmpty { statements.append(enqueue(queued)) }
        let released = plans.filter(\.releasesQueue)
        if !released.isEmpty { statements.append(release(released)) }
        let observed = plans.filter(\.changesObserved)
        if !observed.isEmpty { statements.append(observe(observed.map(\.subject), now: now)) }
        let said = plans.filter(\.clearsListing)
        if !said.isEmpty { statements.append(clearListing(said.map(\.stored.instance))) }
        let commands = plans.compactMap { plan in plan.command.map { ($0, plan.subject.account) } }
        if !commands.isEmpty { statements.append(intend(commands, terms: terms, now: now)) }
        return statements
    }

    /// Stores folds and what was derived from them.
    ///
    /// Index: `agent_states_pkey`; `agent_states_parked` is touched only when a punch lies in the future.
    private static func store(_ agents: [AgentFacts], now: Timestamp) -> PQStatement {
        """
        UPDATE agent_states AS s
        SET generation = n.generation,
            shift = n.shift,
            shift_since = n.shift_since,
            last_effective_at = n.last_effective_at,
            last_rank = n.last_rank,
            has_records = n.has_records,
            fold_tail = n.fold_tail,
            next_punch_at = n.next_punch_at,
            desired = n.desired,
            rule = n.rule,
            desired_since = CASE WHEN s.desired = n.desired THEN s.desired_since ELSE \(now) END
        FROM unnest(
            \(agents.map(\.agent)),
            \(agents.map(\.generation)),
            \(agents.map(\.state.shift.code)),
            \(agents.map(\.state.since)),
            \(agents.map { $0.state.last?.effectiveAt }),
            \(agents.map { $0.state.last?.rank }),
            \(agents.map(\.state.hasRecords)),
            \(agents.map(\.state.storedTail)),
            \(agents.map(\.state.nextPunchAt)),
            \(agents.map(\.desired.code)),
            \(agents.map(\.rule.rawValue))
        ) AS n (
            agent, generation, shift, shift_since, last_effective_at, last_rank,
            has_records, fold_tail, next_punch_at, desired, rule
        )
        WHERE s.agent = ANY (ARRAY[n.agent])
        """
    }

    /// Puts queue rows.
    ///
    /// Each gets a new wake number, so that a pass which read the old one cannot delete it.
    private static func enqueue(_ plans: [Plan]) -> PQStatement {
        """
        INSERT INTO reconcile_queue AS q (instance, account, priority, due_at)
        SELECT n.instance, n.account, n.priority, n.due_at
        FROM unnest(
            \(plans.map(\.subject.instance)),
            \(plans.map(\.subject.account)),
            \(plans.map(\.priority.rawValue)),
            \(plans.map(\.dueAt))
        ) AS n (instance, account, priority, due_at)
        ON CONFLICT (instance) DO UPDATE
        SET due_at = excluded.due_at,
            priority = excluded.priority,
            wakes = excluded.wakes
        """
    }

    /// Deletes queue rows unless somebody woke the instance since they were read.
    private static func release(_ plans: [Plan]) -> PQStatement {
        """
        DELETE FROM reconcile_queue AS q
        USING unnest(\(plans.map(\.stored.instance)), \(plans.map(\.stored.wakes))) AS n (instance, wakes)
        WHERE q.instance = ANY (ARRAY[n.instance])
          AND q.wakes = n.wakes
        """
    }

    /// Stores evidence and condition.
    ///
    /// Index: `observed_states_pkey`; the index of exceptions is touched only when `attention` changes.
    private static func observe(_ subjects: [Subject], now: Timestamp) -> PQStatement {
        let evidence = subjects.map(\.evidence)
        return """
            UPDATE observed_states AS o
            SET reading = n.reading,
                read_at = n.read_at,
                reading_since = n.reading_since,
                claim = n.claim,
                command_id = n.command_id,
                command_action = n.command_action,
                command_sent_at = n.command_sent_at,
                command_ended_at = n.command_ended_at,
                command_verdict = n.command_verdict,
                start_sent_at = n.start_sent_at,
                stop_ended_at = n.stop_ended_at,
                deviating_since = n.deviating_since,
                attempts = n.attempts,
                reboot_asked_at = n.reboot_asked_at,
                pairing_since = n.pairing_since,
                restarts = n.restarts::timestamptz[],
                falls = n.falls::timestamptz[],
                since = CASE WHEN o.condition = n.condition THEN o.since ELSE \(now) END,
                condition = n.condition,
                reason = n.reason,
                attention = n.attention
            FROM unnest(
                \(subjects.map(\.instance)),
                \(evidence.map { $0.reading?.stored }),
                \(evidence.map(\.readAt)),
                \(evidence.map(\.readingSince)),
                \(evidence.map { $0.claim?.stored }),
                \(evidence.map { $0.lastCommand?.id }),
                \(evidence.map { $0.lastCommand?.action.code }),
                \(evidence.map { $0.lastCommand?.sentAt }),
                \(evidence.map { $0.lastCommand?.endedAt }),
                \(evidence.map { $0.lastCommand?.verdict?.rawValue }),
                \(evidence.map(\.lastStartSentAt)),
                \(evidence.map(\.lastStopEndedAt)),
                \(evidence.map(\.deviatingSince)),
                \(evidence.map { Int32($0.attempts) }),
                \(evidence.map(\.rebootAskedAt)),
                \(evidence.map(\.pairingSince)),
                \(evidence.map { $0.restarts.arrayLiteral }),
                \(evidence.map { $0.falls.arrayLiteral }),
                \(subjects.map(\.condition.rawValue)),
                \(subjects.map(\.reason.rawValue)),
                \(subjects.map { $0.condition.isException ? $0.condition.code : nil })
            ) AS n (
                instance, reading, read_at, reading_since, claim,
                command_id, command_action, command_sent_at, command_ended_at, command_verdict,
                start_sent_at, stop_ended_at, deviating_since, attempts, reboot_asked_at, pairing_since, restarts, falls,
                condition, reason, attention
            )
            WHERE o.instance = ANY (ARRAY[n.instance])
            """
    }

    /// Takes the mark of an import from instances; seldom any.
    ///
    /// Index: `instances_pkey`.
    private static func clearListing(_ instances: [Int64]) -> PQStatement {
        "UPDATE instances SET listed_by = NULL WHERE instance = ANY (\(instances))"
    }

    /// Adds the intents.
    private static func intend(
        _ commands: [(PlannedCommand, Int32)],
        terms: [Int32: Int64],
        now: Timestamp
    ) -> PQStatement {
        """
        INSERT INTO commands (instance, command_id, account, action, agent, generation, term, intended_at, reason)
        SELECT n.instance, n.command_id, n.account, n.action, n.agent, n.generation, n.term, \(now), n.reason
        FROM unnest(
            \(commands.map(\.0.instance)),
            \(commands.map(\.0.id)),
            \(commands.map(\.1)),
            \(commands.map(\.0.action.code)),
            \(commands.map(\.0.agent)),
            \(commands.map(\.0.generation)),
            \(commands.map { terms[$0.1] ?? 0 }),
            \(commands.map(\.0.reason.rawValue))
        ) AS n (instance, command_id, account, action, agent, generation, term, reason)
        """
    }

    /// Completes intents with what became of them.
    static func complete(_ outcomes: [CommandOutcome]) -> PQStatement {
        """
        UPDATE commands AS c
        SET sent_at = n.sent_at,
            ended_at = n.ended_at,
            verdict = n.verdict,
            http_status = n.http_status,
            claim = n.claim,
            detail = n.detail
        FROM unnest(
            \(outcomes.map(\.command.instance)),
            \(outcomes.map(\.command.id)),
            \(outcomes.map(\.sentAt)),
            \(outcomes.map(\.endedAt)),
            \(outcomes.map(\.answer.verdict.rawValue)),
            \(outcomes.map { $0.answer.httpStatus.map(Int16.init(clamping:)) }),
            \(outcomes.map { $0.answer.status?.stored }),
            \(outcomes.map { $0.answer.detail.isEmpty ? nil : $0.answer.detail })
        ) AS n (instance, command_id, sent_at, ended_at, verdict, http_status, claim, detail)
        WHERE c.instance = ANY (ARRAY[n.instance])
          AND c.command_id = n.command_id
        """
    }
}

/// What became of a command.
///
/// `sentAt` is `nil` for one that was not sent.
struct CommandOutcome: Sendable {
    var command: PlannedCommand
    var answer: EngineAnswer
    var sentAt: Timestamp?
    var endedAt: Timestamp
}

extension [Timestamp] {
    /// PostgreSQL's text form of an array, since `unnest` takes arrays of one dimension only.
    fileprivate var arrayLiteral: String? {
        isEmpty ? nil : "{" + map { "\"\($0.rfc3339)\"" }.joined(separator: ",") + "}"
    }
}
