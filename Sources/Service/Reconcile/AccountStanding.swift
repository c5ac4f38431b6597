import Domain
import LibPQ
import Logging

/// How one engine account is doing: feeds the breaker, notices that its credential is refused, raises and clears incidents.
struct AccountStanding: Sendable {
    /// What an answer changes for all sessions of an account.
    enum Turn: Sendable {
        /// The engine refuses the credential from now on.
        case refused
        /// It accepts it again.
        case accepted
    }

    let account: Int32
    let calls: CallQueue
    let leases: LeaseBook
    let incidents: IncidentLog
    let meters: WorkerMeters
    let restarts: RestartLine
    /// For how long only few may fail alike before that is over.
    let calm: Duration
    /// For how long looks have to be answered and prove nothing before that is an incident.
    let refusedReadsAfter: Duration
    let alike = AlikeLine()
    let clock: DatabaseClock
    let logger: Logger
    let activity = EngineActivity()

    /// A look that was made to find out whether the engine answers has no answer.
    func noteOutage() {
        activity.broke(at: clock.now())
        raise(.engineOutage, "nothing that it is asked is answered")
    }

    /// The lease under which something is said of the account: the one that was held last, whose end the database knows.
    ///
    /// Without one nothing is said: who acts now sees for itself.
    private var term: Int64? { leases.lastKnown(of: account)?.term }

    private func raise(_ kind: IncidentKind, _ detail: String) {
        guard let term else { return }
        incidents.raise(kind, account: account, term: term, detail: detail)
    }

    private func clear(_ kind: IncidentKind) {
        guard let term else { return }
        incidents.clear(kind, account: account, term: term)
    }

    /// A call leaves now.
    func asked() -> Timestamp {
        let now = clock.now()
        activity.asked(at: now)
        return now
    }

    /// Takes in what was decided of sessions, and what the passing of time makes of it.
    func take(_ plans: [Plan]) {
        note(restarts.take(plans, now: clock.now()))
        noteAlike(plans)
    }

    /// Takes in whether many sessions fail alike; `nil` when that is as it was.
    private func note(_ failsAlike: Bool?) {
        switch failsAlike {
        case true:
            raise(.sessionsFailing, "many sessions want a restart; they go one by one")
        case false: clear(.sessionsFailing)
        case nil: break
        }
    }

    /// Takes in what was found of sessions that somebody has to see to.
    private func noteAlike(_ plans: [Plan]) {
        for news in alike.take(plans, now: clock.now()) {
            guard news.isMany else {
                clear(news.kind)
                continue
            }
            let what =
                switch news.kind {
                case .sessionsLoggedOut: "have to be paired again"
                case .commandsRefused: "are refused their start or their stop"
                case .sessionsSuspect: "are said to work and name no account"
                case .wordsUnknown: "are in a state that is not known"
                case .sessionsKeepFalling: "go down by themselves again and again"
                case .sessionsUnknown, .sessionsFailing, .accountRefused, .engineOutage, .readsRefused,
                    .accountUnattended,
                    .changeHeld,
                    .sourceSilent:
                    "are not known to the engine"
                }
            let minutes = RestartGate.window.microseconds / 60_000_000
            let detail = "many sessions \(what), all within \(minutes) minutes"
            raise(news.kind, detail)
        }
    }

    /// Takes over from whoever acted for the account before: incidents that are open in the database are this holder's to close.
    func begin(pool: PQPool) async throws(PQError) {
        // By now it may be another's again.
        guard let term else { return }
        try await incidents.resume(account, term: term, pool: pool)
        let open = Set(IncidentKind.allCases.filter { incidents.isOpen($0, account: account, term: term) })
        restarts.begin(isStorm: open.contains(.sessionsFailing), calm: calm)
        alike.begin(open: open, calm: calm)
        for row in try await pool.query(Self.alike(account)) {
            guard let reason = Reason(rawValue: try row.column("reason", as: String.self)) else { continue }
            let now = clock.now()
            let instance = try row.column("instance", as: Int64.self)
            let since = try row.column("since", as: Timestamp.self)
            if reason == .restartBudgetUsed { restarts.meet(instance, since: since, now: now) }
            alike.meet(
                instance,
                reason: reason,
                readingSince: try row.column("reading_since", as: Timestamp?.self),
                attentionSince: since,
                now: now
            )
        }
        guard open.contains(.sessionsKeepFalling) else { return }
        for row in try await pool.query(Self.fallen(account, since: clock.now() - RestartGate.window)) {
            alike.meet(
                try row.column("instance", as: Int64.self),
                upSince: try row.column("fall", as: Timestamp.self),
                now: clock.now()
            )
        }
    }

    /// Sessions of an account that were started again after a fall, and may fall again; as many as are remembered.
    ///
    /// Goes over all of the account's, which happens where hands change while many keep falling.
    static func fallen(_ account: Int32, since: Timestamp) -> PQStatement {
        """
        SELECT o.instance, o.falls[cardinality(o.falls)] AS fall
        FROM observed_states o
        JOIN instances x ON x.instance = o.instance
        WHERE x.account = \(account)
          AND o.falls[cardinality(o.falls)] > \(since)
          AND o.reason <> \(Reason.keepsFalling.rawValue)
        LIMIT \(Int64(AlikeWatch.limit))
        """
    }

    /// Sessions of an account that somebody has to see to, as they are stored; of each reason as many as are remembered.
    ///
    /// Index: `observed_states_exceptions`, and `instances_pkey`.
    static func alike(_ account: Int32) -> PQStatement {
        let reasons = AlikeLine.reasons.union([.restartBudgetUsed]).map(\.rawValue).sorted()
        return """
            SELECT k.instance, k.reason, k.since, k.reading_since
            FROM unnest(\(reasons)) AS r (reason)
            CROSS JOIN LATERAL (
                SELECT o.instance, o.reason, o.since,
                    CASE
                        WHEN o.reason = \(Reason.pairingRequired.rawValue) THEN least(o.pairing_since, o.reading_since)
                        WHEN o.reason = \(Reason.keepsFalling.rawValue) THEN least(o.falls[1], o.reading_since)
                        ELSE o.reading_since
                    END AS reading_since
                FROM observed_states o
                JOIN instances x ON x.instance = o.instance
                WHERE o.attention IN (
                    \(Condition.needsPairing.code), \(Condition.needsAttention.code), \(Condition.unknown.code)
                )
                  AND o.reason = r.reason
                  AND x.account = \(account)
                LIMIT \(Int64(AlikeWatch.limit))
            ) k
            """
    }

    /// Takes in that a command has ended which left under a lease.
    ///
    /// Once that has run out another replica may have acted before the engine heard the command: as when this process stood
    /// still between the check of the lease and the first byte. Nothing here can undo it; the next look of who acts now does.
    func noteEnd(of command: PlannedCommand, under lease: HeldLease) {
        guard leases.hasRunOut(lease, of: account) else { return }
        meters.endedLate()
        logger.warning(
            "a command may have reached the engine after its lease had run out",
            metadata: [
                LogKeys.instance: "\(command.address.instanceID)", LogKeys.action: "\(command.action.rawValue)",
                LogKeys.term: "\(lease.term)",
            ]
        )
    }

    /// Takes in how a look at a session went, as of any call, and whether looks prove anything at all.
    ///
    /// - Parameters: as of ``note(_:askedAt:isRead:)``.
    func noteLook(_ answer: EngineAnswer, at instance: Int64, askedAt: Timestamp) -> Turn? {
        if answer.reading != nil {
            noteProof()
        } else if activity.looked(answer.verdict, at: instance, now: clock.now(), patience: refusedReadsAfter) {
            let said = [answer.httpStatus.map { "HTTP \($0)" } ?? "", answer.detail].filter { !$0.isEmpty }
            raise(.readsRefused, "no look proves anything: " + said.joined(separator: ", "))
        }
        return note(answer, askedAt: askedAt, isRead: true)
    }

    /// Something was read of a session, so what the engine answers to reads is worth something.
    func noteProof() {
        activity.proved()
        // Another replica may have raised it, and not live to see this.
        clear(.readsRefused)
    }

    /// Takes in how a call went.
    ///
    /// - Parameters:
    ///   - answer: what came of it.
    ///   - askedAt: when it left, as ``asked()`` said; `nil` for one that was not asked through that.
    ///   - isRead: whether it read sessions; then an answer that proves nothing is no success, and ends no outage.
    /// - Returns: what that changes for all sessions of the account.
    func note(_ answer: EngineAnswer, askedAt: Timestamp?, isRead: Bool = false) -> Turn? {
        activity.took(answer.verdict, askedAt: askedAt, at: clock.now(), isRead: isRead)
        take([])
        if let pause = calls.noteAskedPause(answer) {
            meters.paused()
            logger.notice(
                "the engine asks for a pause",
                metadata: [LogKeys.milliseconds: "\(pause.microseconds / 1000)"]
            )
        }
        if let pause = calls.noteOutcome(answer.verdict, ofRead: isRead) {
            meters.paused()
            activity.broke(at: clock.now())
            raise(.engineOutage, "no call succeeds; pausing \(pause)")
        } else if EngineActivity.isSignOfLife(answer.verdict, ofRead: isRead),
            activity.endsOutage(at: clock.now(), calm: calm)
        {
            clear(.engineOutage)
        }
        if answer.verdict == .auth {
            activity.refused(at: clock.now())
            guard leases.setRefused(account, true) else { return nil }
            logger.warning("the engine refuses the account's credential")
            raise(.accountRefused, "HTTP 401 for the whole account")
            return .refused
        }
        if answer.httpStatus != nil, answer.verdict == .ok || answer.verdict == .missing,
            activity.endsRefusal(askedAt: askedAt)
        {
            // Another replica may have raised it, and not live to see this.
            clear(.accountRefused)
            if leases.setRefused(account, false) {
                logger.notice("the engine accepts the account's credential again")
                return .accepted
            }
        }
        return nil
    }
}
