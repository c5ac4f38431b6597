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
    let alike = AlikeLine()
    let clock: DatabaseClock
    let logger: Logger
    let activity = EngineActivity()

    /// A look that was made to find out whether the engine answers has no answer.
    func noteOutage() {
        incidents.raise(.engineOutage, account: account, detail: "nothing that it is asked is answered")
    }

    /// A call leaves now.
    func asked() -> Timestamp {
        let now = clock.now()
        activity.asked(at: now)
        return now
    }

    /// Takes in whether many sessions fail alike; `nil` when that is as it was.
    func note(_ failsAlike: Bool?) {
        switch failsAlike {
        case true:
            let detail = "many sessions want a restart; they go one by one"
            incidents.raise(.sessionsFailing, account: account, detail: detail)
        case false: incidents.clear(.sessionsFailing, account: account)
        case nil: break
        }
    }

    /// Takes in what passes found of sessions that somebody has to see to, and what the passing of time makes of it.
    func noteAlike(_ plans: [Plan]) {
        for news in alike.take(plans, now: clock.now()) {
            guard news.isMany else {
                incidents.clear(news.kind, account: account)
                continue
            }
            let what = news.kind == .sessionsLoggedOut ? "have to be paired again" : "are not known to the engine"
            let minutes = RestartGate.window.microseconds / 60_000_000
            let detail = "many sessions \(what), all within \(minutes) minutes"
            incidents.raise(news.kind, account: account, detail: detail)
        }
    }

    /// Takes over from whoever acted for the account before: incidents that are open in the database are this holder's to close.
    func begin(pool: PQPool) async throws(PQError) {
        try await incidents.resume(account, pool: pool)
        restarts.begin(isStorm: incidents.isOpen(.sessionsFailing, account: account))
        alike.begin(open: Set(IncidentKind.allCases.filter { incidents.isOpen($0, account: account) }))
        for row in try await pool.query(Self.alike(account)) {
            guard let reason = Reason(rawValue: try row.column("reason", as: String.self)) else { continue }
            let now = clock.now()
            let since = try row.column("reading_since", as: Timestamp?.self) ?? now
            alike.meet(try row.column("instance", as: Int64.self), reason: reason, since: since, now: now)
        }
    }

    /// Sessions of an account that somebody has to see to, as they are stored.
    ///
    /// Index: `observed_states_exceptions`, and `instances_pkey`.
    static func alike(_ account: Int32) -> PQStatement {
        """
        SELECT o.instance, o.reason, o.reading_since
        FROM observed_states o
        JOIN instances x ON x.instance = o.instance
        WHERE o.attention IN (\(Condition.needsPairing.code), \(Condition.needsAttention.code))
          AND o.reason IN (\(Reason.pairingRequired.rawValue), \(Reason.sessionMissing.rawValue))
          AND x.account = \(account)
        LIMIT \(Int64(2 * AlikeWatch.limit))
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

    /// Takes in how a call went.
    ///
    /// - Returns: what that changes for all sessions of the account.
    func note(_ answer: EngineAnswer) -> Turn? {
        activity.took(answer.verdict, at: clock.now())
        note(restarts.take([], now: clock.now()))
        noteAlike([])
        if let pause = calls.noteAskedPause(answer) {
            meters.paused()
            logger.notice(
                "the engine asks for a pause",
                metadata: [LogKeys.milliseconds: "\(pause.microseconds / 1000)"]
            )
        }
        if let pause = calls.noteOutcome(answer.verdict) {
            meters.paused()
            incidents.raise(.engineOutage, account: account, detail: "no call succeeds; pausing \(pause)")
        } else if EngineActivity.isSignOfLife(answer.verdict) {
            incidents.clear(.engineOutage, account: account)
        }
        if answer.verdict == .auth {
            guard leases.setRefused(account, true) else { return nil }
            logger.warning("the engine refuses the account's credential")
            incidents.raise(.accountRefused, account: account, detail: "HTTP 401 for the whole account")
            return .refused
        }
        if answer.httpStatus != nil, answer.verdict == .ok || answer.verdict == .missing {
            // Another replica may have raised it, and not live to see this.
            incidents.clear(.accountRefused, account: account)
            if leases.setRefused(account, false) {
                logger.notice("the engine accepts the account's credential again")
                return .accepted
            }
        }
        return nil
    }
}
