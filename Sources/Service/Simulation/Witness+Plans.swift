import Domain
import FoundationEssentials

/// What may be decided, judged when it is committed.
extension Witness.State {
    /// A batch of passes was committed.
    mutating func passed(
        _ writing: PassWriting,
        by replica: UUID,
        account: Int32,
        _ tables: MemoryTables
    ) {
        if tables.leases[account]?.term != writing.term {
            violate(
                .noWriteOfOldTerm,
                "\(replica.short) wrote under term \(writing.term), account \(account) is at "
                    + "\(tables.leases[account]?.term ?? 0)"
            )
        }
        for outcome in writing.outcomes { take(outcome) }
        for plan in writing.plans { planned(plan, by: replica, tables, now: writing.now) }
        checkLooks(writing.looks, tables)
    }

    /// What an append intends needs the lease, as what a pass intends does; one that is nobody's yet is still under its last term.
    mutating func checkTerm(_ plan: Plan, by replica: UUID, _ tables: MemoryTables) {
        let account = plan.subject.account
        guard plan.command != nil, let holder = tables.leases[account]?.holder, holder != replica else { return }
        violate(.noWriteOfOldTerm, "\(replica.short) intends a command with an append, account \(account) is another's")
    }

    mutating func planned(_ plan: Plan, by replica: UUID, _ tables: MemoryTables, now: Timestamp) {
        checkReading(plan)
        checkConverged(plan, tables)
        notePairing(plan)
        guard let command = plan.command else { return }
        tell(
            "\(replica.short) intends \(command.action.rawValue) of \(plan.subject.address.instanceID): "
                + "\(command.reason.rawValue)"
        )
        checkDesired(plan, command, tables, now: now)
        checkEvidence(plan, command, now: now)
        checkRestarts(plan, command, now: now)
        checkFalls(plan, command, now: now)
        if let agent = command.agent, command.generation != tables.agents[agent]?.facts.generation {
            violate(
                .generationOfIntent,
                "\(command.action.rawValue) of generation \(command.generation ?? -1), the agent is at "
                    + "\(tables.agents[agent]?.facts.generation ?? -1)"
            )
        }
        if let since = refusedSince[replica]?[plan.subject.account], self.now - since > Witness.refusalTolerance {
            violate(.refusedAccountPaused, "\(replica.short) intends a \(command.action.rawValue)")
        }
        if let open = tracks[plan.subject.instance]?.intents.last, open.verdict == nil,
            now - open.at < open.action.longest(callTimeout: rules.policy.callTimeout) + rules.policy.stopStartGap
        {
            violate(
                .oneIntentAtATime,
                "\(command.action.rawValue) of \(plan.subject.address.instanceID), \(now - open.at) after a "
                    + "\(open.action.rawValue) without outcome"
            )
        }
        guard tables.hasIntent(command.id, of: command.instance) else { return }
        tracks[plan.subject.instance, default: .init()].intents.append(
            .init(
                id: command.id,
                action: command.action,
                at: now,
                isAfterFall: command.reason == .wentDown || command.reason == .cameUp
            )
        )
        if tracks[plan.subject.instance]?.intents.count ?? 0 > 32 {
            tracks[plan.subject.instance]?.intents.removeFirst()
        }
    }

    private mutating func checkDesired(_ plan: Plan, _ command: PlannedCommand, _ tables: MemoryTables, now: Timestamp)
    {
        let agent = tables.instances[plan.subject.instance]?.agent
        let desired = agent.map { self.desired($0, tables, now: now) } ?? [.stopped]
        switch command.action {
        case .start, .restart:
            guard !desired.contains(.running) else { return }
            violate(.startOnlyWhenDesired, "\(command.action.rawValue) of \(plan.subject.address.instanceID)")
        case .stop:
            guard !desired.contains(.stopped), !isRebootAsked(plan, command) else { return }
            violate(.stopOnlyWhenUndesired, "stop of \(plan.subject.address.instanceID), \(command.reason.rawValue)")
        }
    }

    /// Whether a stop is the first half of a clean boot that somebody asked for.
    private func isRebootAsked(_ plan: Plan, _ command: PlannedCommand) -> Bool {
        let asked = plan.stored.evidence.rebootAskedAt
        return command.reason == .rebootAsked
            && asked.map { tracks[plan.subject.instance]?.rebootsAskedAt.contains($0) ?? false } ?? false
    }

    private mutating func checkEvidence(_ plan: Plan, _ command: PlannedCommand, now: Timestamp) {
        let evidence = plan.subject.evidence
        let name = plan.subject.address.instanceID
        let track = tracks[plan.subject.instance]
        let isSettled = evidence.readAt.map { read in
            track?.outcomeAt.map { read >= $0 + rules.policy.confirmationDelay } ?? true
        }
        if isSettled == true {
            if case .status(.unknown(let word)) = evidence.reading {
                violate(.unknownWordNotActedOn, "\(command.action.rawValue) of \(name), which says \(word)")
            }
            if evidence.reading == .missing {
                violate(.missingGetsNoCall, "\(command.action.rawValue) of \(name)")
            }
        }
        if command.action == .start {
            let isFresh = evidence.readAt.map { now - $0 <= rules.policy.startLookAge } ?? false
            if evidence.reading != .status(.stopped) || !isFresh || isSettled != true {
                violate(
                    .startLooksFirst,
                    "start of \(name), read as \(evidence.reading?.word ?? "nothing") at "
                        + "\(evidence.readAt?.rfc3339 ?? "no time")"
                )
            }
        }
        if command.action == .restart { checkRestartedReading(evidence, isSettled: isSettled == true, name, now: now) }
        guard command.action == .stop, evidence.reading == .status(.failed) else {
            tracks[plan.subject.instance]?.stopsOfFailed = 0
            return
        }
        let count = (track?.stopsOfFailed ?? 0) + 1
        tracks[plan.subject.instance, default: .init()].stopsOfFailed = count
        if count > 1 { violate(.failedOffShiftStoppedOnce, "stop \(count) of \(name)") }
    }

    private mutating func checkRestartedReading(
        _ evidence: Evidence,
        isSettled: Bool,
        _ name: String,
        now: Timestamp
    ) {
        let limit = rules.policy.callTimeout + rules.policy.restartLookAfter
        let isFresh = evidence.readAt.map { now - $0 <= limit } ?? false
        let isBroken = evidence.reading == .status(.failed) || evidence.reading == .status(.starting)
        guard !isBroken || !isFresh || !isSettled else { return }
        violate(
            .restartLooksFirst,
            "restart of \(name), read as \(evidence.reading?.word ?? "nothing") at "
                + "\(evidence.readAt?.rfc3339 ?? "no time")"
        )
    }

    /// Takes in what is stored of a pairing.
    private mutating func notePairing(_ plan: Plan) {
        let instance = plan.subject.instance
        switch plan.subject.evidence.reading {
        case .status(.scanQRCode): tracks[instance, default: .init()].scanAskedAt = plan.subject.evidence.readAt
        case .status(.working), .status(.suspect), .status(.stopped): tracks[instance]?.scanAskedAt = nil
        case .status(.starting), .status(.failed), .status(.unknown), .missing, nil: break
        }
        guard let command = plan.command, command.action != .stop else { return }
        if command.action == .restart, plan.subject.evidence.reading == .status(.failed),
            plan.stored.evidence.rebootAskedAt == nil, let asked = tracks[instance]?.scanAskedAt
        {
            // A batch of news is stored as what it comes to, so what was read between is in the engine's log alone.
            let wasUp = tracks[instance]?.reads.contains { stamp, reading in
                stamp >= asked && [.status(.working), .status(.suspect), .status(.stopped)].contains(reading)
            }
            let name = plan.subject.address.instanceID
            if wasUp != true {
                violate(.unscannedWaits, "restart of \(name), which asked for a scan at \(asked.rfc3339)")
            }
        }
        tracks[instance]?.scanAskedAt = nil
    }

    /// Whether a restart is what a person who asked for a clean boot gets of a session that its stop left FAILED.
    private func isAskedRestart(_ plan: Plan, _ command: PlannedCommand) -> Bool {
        let asked = plan.stored.evidence.rebootAskedAt
        return command.reason == .failedRestart && plan.subject.evidence.reading == .status(.failed)
            && asked.map { tracks[plan.subject.instance]?.rebootsAskedAt.contains($0) ?? false } ?? false
    }

    private mutating func checkRestarts(_ plan: Plan, _ command: PlannedCommand, now: Timestamp) {
        guard command.action == .restart, !isAskedRestart(plan, command) else { return }
        let restarts = (tracks[plan.subject.instance]?.intents ?? []).filter {
            $0.action == .restart && $0.verdict != .notSent && now - $0.at < rules.policy.restartWindow
        }
        if restarts.count >= rules.policy.restartLimit {
            violate(.restartsBounded, "restart \(restarts.count + 1) of \(plan.subject.address.instanceID)")
        }
        if let last = restarts.last, now - last.at < rules.policy.restartSpacing {
            violate(.restartsBounded, "restart of \(plan.subject.address.instanceID), \(now - last.at) after one")
        }
    }

    private mutating func checkFalls(_ plan: Plan, _ command: PlannedCommand, now: Timestamp) {
        guard command.reason == .wentDown || command.reason == .cameUp else { return }
        let since = (tracks[plan.subject.instance]?.intents ?? []).reversed().prefix {
            ($0.action == .stop) == (command.action == .stop)
        }
        let falls = since.reversed().filter {
            $0.isAfterFall && $0.verdict != .notSent && now - $0.at < rules.policy.restartWindow
        }
        guard let last = falls.last else { return }
        let delay = rules.policy.fallDelay(afterFalls: falls.count)
        guard now - last.at < delay else { return }
        violate(
            .fallsSpaced,
            "\(command.action.rawValue) of \(plan.subject.address.instanceID) after it turned by itself, \(falls.count + 1) in "
                + "all, \(now - last.at) after the last"
        )
    }
}

/// What is stored of reads.
extension Witness.State {
    /// What is written as read was said by the engine to a read sent then.
    private mutating func checkReading(_ plan: Plan) {
        let (stored, evidence) = (plan.stored.evidence, plan.subject.evidence)
        guard let reading = evidence.reading, let readAt = evidence.readAt,
            stored.reading != reading || stored.readAt != readAt
        else { return }
        let said = tracks[plan.subject.instance]?.reads.filter { $0.stamp == readAt }.map(\.reading) ?? []
        guard !said.contains(reading) else { return }
        violate(
            .readingWasSaid,
            "\(plan.subject.address.instanceID) is stored as \(reading.word), the engine said "
                + (said.isEmpty ? "nothing then" : said.map { $0?.word ?? "no word" }.joined(separator: ", "))
        )
    }

    /// A look that counts was made, and said what is stored.
    mutating func checkLooks(_ looks: [Look], _ tables: MemoryTables) {
        for look in looks {
            guard let instance = tables.instances[look.instance], tables.looks[look.instance] == look.lookedAt else {
                continue
            }
            let said = tracks[look.instance]?.reads.filter { $0.stamp == look.lookedAt }.map(\.reading) ?? []
            let name = instance.subject.address.instanceID
            guard said.contains(where: { $0 != nil }) else {
                violate(.lookWasMade, "\(name) at \(look.lookedAt.rfc3339)")
                continue
            }
            // An older look than what is stored says nothing of it.
            let isNews = instance.subject.evidence.readAt.map { $0 < look.lookedAt } ?? true
            guard isNews, let reading = instance.subject.evidence.reading, !said.contains(reading) else { continue }
            violate(
                .readingWasSaid,
                "\(name) counts as read as \(reading.word) at \(look.lookedAt.rfc3339), when the engine said "
                    + said.map { $0?.word ?? "no word" }.joined(separator: ", ")
            )
        }
    }
}
