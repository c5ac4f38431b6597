package import Domain
import LibPQ

/// Everything that is shown of one agent, as stored.
package struct AgentDetails: Sendable {
    /// The surrogate key; never shown.
    package var agent: Int64
    package var agentID: String
    package var name: String
    package var team: String
    package var timeZone: String
    package var createdAt: Timestamp
    package var removalAskedAt: Timestamp?
    package var generation: Int64
    package var state: ShiftState
    /// What was desired when it was last derived.
    package var storedDesired: RunState
    package var hold: Hold?
    package var instance: Int64?
    package var account: Int32?
    package var instanceSpec: InstanceSpec?
    package var reading: String?
    package var readAt: Timestamp?
    package var readingSince: Timestamp?
    package var condition: Condition
    package var reason: Reason
    package var since: Timestamp?
    /// What a break does, as it is in force for everybody; `nil` where nothing is yet.
    package var breakAction: BreakAction?
}

/// What an agent's details mean at an instant: derived, and with staleness laid over.
package struct AgentStanding: Sendable, Hashable {
    package var desired: DesiredState
    package var condition: Condition
    package var reason: Reason
    /// Since when; of what is a need only while the agent is here, no longer than they are.
    package var since: Timestamp
    /// The hold, unless it is over.
    package var hold: Hold?
}

extension AgentDetails {
    /// What the row means now.
    ///
    /// Never shows as current what is not: a hold that is over, a look too old.
    ///
    /// `breakAction`: what a break does where nothing is in force yet.
    package func standing(breakAction: BreakAction, freshness: Freshness, now: Timestamp) -> AgentStanding {
        let liveHold = hold.flatMap { $0.until > now ? $0 : nil }
        let desired =
            removalAskedAt == nil
            ? derive(state, hold: liveHold, breakAction: self.breakAction ?? breakAction, now: now)
            : DesiredState(run: .stopped, rule: .default)
        var standing = AgentStanding(
            desired: desired,
            condition: condition,
            reason: reason,
            since: since ?? createdAt,
            hold: liveHold
        )
        if instance == nil {
            standing.condition = .unassigned
            standing.reason = .noInstance
        } else if reason != .accountRefused, freshness.isStale(readAt: readAt, desired: storedDesired, now: now) {
            standing.condition = .unknown
            standing.reason = readAt == nil && reason == .neverRead ? .neverRead : .stale
            if let readAt { standing.since = readAt + freshness.lifetime(desired: storedDesired) }
        }
        if isNeedOnlyHere(standing), let hereSince = state.since {
            standing.since = max(standing.since, hereSince)
        }
        return standing
    }

    /// Whether who stands so needs somebody because the agent is here, and would need nobody otherwise.
    private func isNeedOnlyHere(_ standing: AgentStanding) -> Bool {
        let (desired, condition) = (standing.desired.run, standing.condition)
        return needsSomebody(shift: state.shift, desired: desired, condition: condition)
            && !needsSomebody(shift: .out, desired: desired, condition: condition)
    }
}

/// Reads the rows of the view `agent_details`, or of a list; the columns are looked up once per result.
struct AgentDetailRows {
    private let result: PQResult
    /// The names of the engine accounts, where the rows do not have them.
    private let engines: [Int32: String]?
    private let agent, generation: PQColumn<Int64>
    private let instance: PQColumn<Int64?>
    private let account: PQColumn<Int32?>
    private let shift, desired: PQColumn<Int16>
    private let lastRank, holdState: PQColumn<Int16?>
    private let agentID, name, team, timeZone: PQColumn<String>
    private let holdReason, holdAuthor, instanceID, sessionName: PQColumn<String?>
    private let engine: PQColumn<String?>?
    private let reading, condition, reason, breakAction: PQColumn<String?>
    private let createdAt: PQColumn<Timestamp>
    private let removalAskedAt, shiftSince, lastEffectiveAt, nextPunchAt, holdUntil: PQColumn<Timestamp?>
    private let readAt, readingSince, since: PQColumn<Timestamp?>

    init(_ result: PQResult, engines: [Int32: String]? = nil) throws(PQError) {
        self.result = result
        self.engines = engines
        agent = try result.decoder("agent", as: Int64.self)
        generation = try result.decoder("generation", as: Int64.self)
        instance = try result.decoder("instance", as: Int64?.self)
        account = try result.decoder("account", as: Int32?.self)
        shift = try result.decoder("shift", as: Int16.self)
        desired = try result.decoder("desired", as: Int16.self)
        lastRank = try result.decoder("last_rank", as: Int16?.self)
        holdState = try result.decoder("hold_state", as: Int16?.self)
        agentID = try result.decoder("agent_id", as: String.self)
        name = try result.decoder("name", as: String.self)
        team = try result.decoder("team", as: String.self)
        timeZone = try result.decoder("time_zone", as: String.self)
        holdReason = try result.decoder("hold_reason", as: String?.self)
        holdAuthor = try result.decoder("hold_author", as: String?.self)
        engine = engines == nil ? try result.decoder("engine", as: String?.self) : nil
        instanceID = try result.decoder("instance_id", as: String?.self)
        sessionName = try result.decoder("session_name", as: String?.self)
        reading = try result.decoder("reading", as: String?.self)
        condition = try result.decoder("condition", as: String?.self)
        reason = try result.decoder("reason", as: String?.self)
        createdAt = try result.decoder("created_at", as: Timestamp.self)
        removalAskedAt = try result.decoder("removal_asked_at", as: Timestamp?.self)
        shiftSince = try result.decoder("shift_since", as: Timestamp?.self)
        lastEffectiveAt = try result.decoder("last_effective_at", as: Timestamp?.self)
        nextPunchAt = try result.decoder("next_punch_at", as: Timestamp?.self)
        holdUntil = try result.decoder("hold_until", as: Timestamp?.self)
        readAt = try result.decoder("read_at", as: Timestamp?.self)
        readingSince = try result.decoder("reading_since", as: Timestamp?.self)
        since = try result.decoder("since", as: Timestamp?.self)
        breakAction = try result.decoder("break_action", as: String?.self)
    }

    /// All rows, in the result's order.
    ///
    /// `engines`: the names of the engine accounts, for a result without the column `engine`. With an account that is not
    /// among them an agent comes without its ``AgentDetails/instanceSpec``.
    static func read(_ result: PQResult, engines: [Int32: String]? = nil) throws(PQError) -> [AgentDetails] {
        let rows = try AgentDetailRows(result, engines: engines)
        var details: [AgentDetails] = []
        details.reserveCapacity(result.rowCount)
        for row in result { details.append(try rows.details(row)) }
        return details
    }

    private func details(_ row: PQRow) throws(PQError) -> AgentDetails {
        AgentDetails(
            agent: try agent[row],
            agentID: try agentID[row],
            name: try name[row],
            team: try team[row],
            timeZone: try timeZone[row],
            createdAt: try createdAt[row],
            removalAskedAt: try removalAskedAt[row],
            generation: try generation[row],
            state: try state(row),
            storedDesired: RunState(code: try desired[row]) ?? .stopped,
            hold: try hold(row),
            instance: try instance[row],
            account: try account[row],
            instanceSpec: try instanceSpec(row),
            reading: try reading[row].map(SessionStatus.shown),
            readAt: try readAt[row],
            readingSince: try readingSince[row],
            condition: try condition[row].flatMap(Condition.init(rawValue:)) ?? .unknown,
            reason: try reason[row].flatMap(Reason.init(rawValue:)) ?? .neverRead,
            since: try since[row],
            breakAction: try breakAction[row].flatMap(BreakAction.init(rawValue:))
        )
    }

    private func state(_ row: PQRow) throws(PQError) -> ShiftState {
        var last: PunchOrder?
        if let effectiveAt = try lastEffectiveAt[row], let rank = try lastRank[row] {
            last = PunchOrder(effectiveAt: effectiveAt, rank: rank)
        }
        return ShiftState(
            shift: Shift(code: try shift[row]) ?? .out,
            since: try shiftSince[row],
            last: last,
            nextPunchAt: try nextPunchAt[row]
        )
    }

    private func hold(_ row: PQRow) throws(PQError) -> Hold? {
        guard let state = try holdState[row].flatMap(RunState.init(code:)), let until = try holdUntil[row] else {
            return nil
        }
        return Hold(state: state, until: until, reason: try holdReason[row] ?? "", author: try holdAuthor[row] ?? "")
    }

    private func instanceSpec(_ row: PQRow) throws(PQError) -> InstanceSpec? {
        guard let name = try engineName(row), let instanceID = try instanceID[row] else { return nil }
        return InstanceSpec(engine: name, instanceID: instanceID, sessionName: try sessionName[row])
    }

    private func engineName(_ row: PQRow) throws(PQError) -> String? {
        guard let engine else { return try account[row].flatMap { engines?[$0] } }
        return try engine[row]
    }
}
