import Domain
import LibPQ

/// Reads the rows of the views `subjects_by_agent` and `subjects_by_instance`.
///
/// The columns are looked up once per result; a row then costs no search by name.
struct SubjectRows {
    let rows: PQResult
    private let agent, generation, instance, commandID, wakes, listedBy: PQColumn<Int64?>
    private let shift, lastRank, holdState, desired, commandAction: PQColumn<Int16?>
    private let account, attempts: PQColumn<Int32?>
    private let hasRecords, isLeaving: PQColumn<Bool?>
    private let shiftSince, lastEffectiveAt, nextPunchAt, holdUntil: PQColumn<Timestamp?>
    private let readAt, readingSince, commandSentAt, commandEndedAt, startSentAt, stopEndedAt: PQColumn<Timestamp?>
    private let deviatingSince, rebootAskedAt, pairingSince, dueAt: PQColumn<Timestamp?>
    private let foldTail, holdReason, holdAuthor, rule, instanceID, sessionName, breakAction: PQColumn<String?>
    private let reading, claim, commandVerdict, condition, reason: PQColumn<String?>
    private let restarts, falls: PQColumn<[Timestamp]?>

    init(_ result: PQResult) throws(PQError) {
        rows = result
        agent = try result.decoder("agent")
        generation = try result.decoder("generation")
        instance = try result.decoder("instance")
        commandID = try result.decoder("command_id")
        wakes = try result.decoder("wakes")
        shift = try result.decoder("shift")
        lastRank = try result.decoder("last_rank")
        holdState = try result.decoder("hold_state")
        desired = try result.decoder("desired")
        commandAction = try result.decoder("command_action")
        account = try result.decoder("account")
        attempts = try result.decoder("attempts")
        hasRecords = try result.decoder("has_records")
        isLeaving = try result.decoder("is_leaving")
        shiftSince = try result.decoder("shift_since")
        lastEffectiveAt = try result.decoder("last_effective_at")
        nextPunchAt = try result.decoder("next_punch_at")
        holdUntil = try result.decoder("hold_until")
        readAt = try result.decoder("read_at")
        readingSince = try result.decoder("reading_since")
        commandSentAt = try result.decoder("command_sent_at")
        commandEndedAt = try result.decoder("command_ended_at")
        startSentAt = try result.decoder("start_sent_at")
        stopEndedAt = try result.decoder("stop_ended_at")
        deviatingSince = try result.decoder("deviating_since")
        rebootAskedAt = try result.decoder("reboot_asked_at")
        pairingSince = try result.decoder("pairing_since")
        dueAt = try result.decoder("due_at")
        foldTail = try result.decoder("fold_tail")
        holdReason = try result.decoder("hold_reason")
        holdAuthor = try result.decoder("hold_author")
        rule = try result.decoder("rule")
        instanceID = try result.decoder("instance_id")
        sessionName = try result.decoder("session_name")
        reading = try result.decoder("reading")
        claim = try result.decoder("claim")
        commandVerdict = try result.decoder("command_verdict")
        condition = try result.decoder("condition")
        reason = try result.decoder("reason")
        restarts = try result.decoder("restarts")
        falls = try result.decoder("falls")
        listedBy = try result.decoder("listed_by")
        breakAction = try result.decoder("break_action")
    }

    /// The agent's side of a row; `nil` for a retired instance.
    func agentFacts(_ row: PQRow) throws(PQError) -> AgentFacts? {
        guard let agent = try agent[row] else { return nil }
        return AgentFacts(
            agent: agent,
            generation: try generation[row] ?? 0,
            state: try shiftState(row),
            hold: try hold(row),
            desired: try desired[row].flatMap(RunState.init(code:)) ?? .stopped,
            rule: try rule[row].flatMap(Rule.init(rawValue:)) ?? .default,
            isLeaving: try isLeaving[row] ?? false,
            breakAction: try breakAction[row].flatMap(BreakAction.init(rawValue:))
        )
    }

    /// The instance's side of a row; `nil` for an agent without one.
    func subject(_ row: PQRow) throws(PQError) -> Subject? {
        guard let instance = try instance[row], let account = try account[row] else { return nil }
        return Subject(
            instance: instance,
            account: account,
            address: SessionAddress(instanceID: try instanceID[row] ?? "", sessionName: try sessionName[row]),
            evidence: try evidence(row),
            condition: try condition[row].flatMap(Condition.init(rawValue:)) ?? .unknown,
            reason: try reason[row].flatMap(Reason.init(rawValue:)) ?? .neverRead,
            wakes: try wakes[row],
            dueAt: try dueAt[row],
            listedBy: try listedBy[row]
        )
    }

    private func shiftState(_ row: PQRow) throws(PQError) -> ShiftState {
        var last: PunchOrder?
        if let effectiveAt = try lastEffectiveAt[row], let rank = try lastRank[row] {
            last = PunchOrder(effectiveAt: effectiveAt, rank: rank)
        }
        var state = ShiftState(
            shift: try shift[row].flatMap(Shift.init(code:)) ?? .out,
            since: try shiftSince[row],
            last: last,
            hasRecords: try hasRecords[row] ?? false,
            nextPunchAt: try nextPunchAt[row]
        )
        if state.hasRecords { state.setTail(stored: try foldTail[row]) }
        return state
    }

    private func hold(_ row: PQRow) throws(PQError) -> Hold? {
        guard let state = try holdState[row].flatMap(RunState.init(code:)), let until = try holdUntil[row] else {
            return nil
        }
        return Hold(state: state, until: until, reason: try holdReason[row] ?? "", author: try holdAuthor[row] ?? "")
    }

    private func evidence(_ row: PQRow) throws(PQError) -> Evidence {
        Evidence(
            reading: try reading[row].map(SessionReading.init(stored:)),
            readAt: try readAt[row],
            readingSince: try readingSince[row],
            claim: try claim[row].map(SessionStatus.init(stored:)),
            lastCommand: try lastCommand(row),
            lastStartSentAt: try startSentAt[row],
            lastStopEndedAt: try stopEndedAt[row],
            deviatingSince: try deviatingSince[row],
            restarts: try restarts[row] ?? [],
            falls: try falls[row] ?? [],
            attempts: Int(try attempts[row] ?? 0),
            rebootAskedAt: try rebootAskedAt[row],
            pairingSince: try pairingSince[row]
        )
    }

    private func lastCommand(_ row: PQRow) throws(PQError) -> CommandRecord? {
        guard let id = try commandID[row], let action = try commandAction[row].flatMap(Action.init(code:)),
            let sentAt = try commandSentAt[row]
        else { return nil }
        return CommandRecord(
            id: id,
            action: action,
            sentAt: sentAt,
            endedAt: try commandEndedAt[row],
            verdict: try commandVerdict[row].flatMap(EngineVerdict.init(rawValue:))
        )
    }
}

extension PQResult {
    /// Finds a column once; its type follows from where it goes.
    func decoder<Value: PQDecodable>(_ name: String) throws(PQError) -> PQColumn<Value> {
        try decoder(name, as: Value.self)
    }
}
