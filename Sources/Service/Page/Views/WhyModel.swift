import Domain

/// Why an agent's session is as it is, in sentences: step by step from what should be to what would change it.
struct WhyModel {
    let explanation: Explanation
    let words: Catalogue
    let now: Timestamp
    /// Whether somebody acts for the engine of the agent's session, as far as is known.
    var isAttended = true

    private var standing: AgentStanding { explanation.standing }
    private var details: AgentDetails { explanation.details }

    /// What a template sees: one entry per step, each with its sentences in pieces.
    var values: [[String: Any]] {
        [
            step("desired", [desired]), step("losing", losing), step("event", [event]), step("did", [did]),
            step("said", answered + seen), step("waits", [waits]), step("change", changes),
        ]
    }

    private func step(_ kind: String, _ sentences: [[[String: Any]]]) -> [String: Any] {
        ["kind": kind, "label": words("why." + kind), "sentences": sentences.map { ["pieces": $0] }]
    }

    private func say(_ key: String, _ values: [String: PhraseValue] = [:]) -> [[String: Any]] {
        words.phrase(key, values, now: now)
    }

    private var desired: [[String: Any]] {
        if details.removalAskedAt != nil { return say("why.leaving.stopped") }
        let rule = standing.desired.rule.rawValue
        var values: [String: PhraseValue] = [:]
        if standing.desired.rule == .hold, let hold = standing.hold {
            values = [
                "author": .name(hold.author), "until": .clock(hold.until), "ahead": .ahead(hold.until),
                "reason": .name(hold.reason),
            ]
        }
        return say("why.\(rule).\(standing.desired.run.rawValue)", values)
    }

    private var losing: [[[String: Any]]] {
        let losing = standing.desired.losing
        guard !losing.isEmpty else { return [say("why.losing.none")] }
        return losing.map { say("why.losing.\($0.rule.rawValue).\($0.run.rawValue)") }
    }

    private var event: [[String: Any]] {
        guard let event = explanation.event else { return say("why.event.none") }
        return say(
            "why.event." + event.punch.kind.rawValue,
            [
                "source": .strong(event.source), "occurred": .age(event.occurredAt), "clock": .clock(event.occurredAt),
                "delay": .text(words.short(max(event.receivedAt - event.occurredAt, .zero))),
            ]
        )
    }

    private var did: [[String: Any]] {
        guard let command = explanation.commands.first, let action = Action(rawValue: command.action) else {
            return say("why.did.nothing")
        }
        // When a command was sent is written with what came of it, so until then nobody can say that it was given.
        let fate = command.sentAt != nil ? "" : command.verdict == nil ? "intended." : "withdrawn."
        return say(
            "why.did." + fate + action.rawValue,
            ["when": .age(command.intendedAt), "reason": .text(words.command(command.reason))]
        )
    }

    /// What came of the last command.
    private var answered: [[[String: Any]]] {
        guard let command = explanation.commands.first else { return [] }
        guard let sentAt = command.sentAt else {
            return [say(command.verdict == nil ? "why.said.unknown" : "why.said.withdrawn")]
        }
        guard let verdict = command.verdict, let endedAt = command.endedAt else { return [say("why.said.no_answer")] }
        let answer = say(
            "why.said.answer",
            ["took": .text(words.short(endedAt - sentAt)), "verdict": .text(words.verdict(verdict))]
        )
        guard let claim = command.claim else { return [answer] }
        return [answer, say("why.said.claim", ["word": .strong(words.session(claim))])]
    }

    /// What the last look found.
    private var seen: [[[String: Any]]] {
        guard details.instance != nil else { return [say("why.said.no_instance")] }
        guard let reading = details.reading, let readAt = details.readAt else { return [say("why.said.never")] }
        let found = say(
            "why.said.seen",
            [
                "age": .age(readAt), "state": .strong(words.session(reading)),
                "since": .clock(details.readingSince ?? readAt),
            ]
        )
        return standing.reason == .stale ? [found, say("why.said.old")] : [found]
    }

    /// When the session is looked at next, at the latest; `nil` where there is none, or nobody looks.
    var nextLook: Timestamp? { isAttended ? explanation.nextLook(now: now) : nil }

    /// What it waits for: while nobody acts for the engine, for that before anything else but a mapping.
    private var wait: Wait {
        let own = standing.reason.wait
        return isAttended || own == .mapping ? own : .attendance
    }

    private var waits: [[String: Any]] {
        switch wait {
        case .mapping:
            return say("why.waits.mapping")
        case .attendance:
            return say("why.waits.attendance")
        case .nothing:
            return nextLook.map { say("why.waits.nothing", ["ahead": .ahead($0)]) } ?? say("why.waits.for_nobody")
        case .look, .proof, .boot, .scan, .person, .engine, .credential:
            return until(nextLook)
        case .gap, .retry, .spacing, .budget, .refused:
            return until(explanation.dueAt ?? nextLook)
        }
    }

    private func until(_ instant: Timestamp?) -> [[String: Any]] {
        guard let instant else { return say("why.waits.for_nobody") }
        let values: [String: PhraseValue] = ["ahead": .ahead(instant), "until": .clock(instant)]
        guard wait == .budget, let grant = explanation.grant, grant.againFrom > now else {
            return say("why.waits." + wait.rawValue, values)
        }
        let given: [String: PhraseValue] = ["given": .age(grant.givenAt), "again": .clock(grant.againFrom)]
        return say("why.waits.budget_given", values.merging(given) { value, _ in value })
    }

    private var changes: [[[String: Any]]] {
        var changes: [[[String: Any]]] = []
        if details.removalAskedAt != nil { changes.append(say("why.change.leaving")) }
        if let hold = standing.hold {
            changes.append(
                say(
                    "why.change.hold",
                    ["author": .name(hold.author), "ahead": .ahead(hold.until), "until": .clock(hold.until)]
                )
            )
        }
        for part in explanation.waiting {
            let key = "why.change.waiting." + part.after.rawValue
            changes.append(say(key, ["author": .name(part.askedBy), "asked": .age(part.askedAt)]))
        }
        if let next = details.state.nextPunchAt {
            changes.append(say("why.change.parked", ["ahead": .ahead(next), "until": .clock(next)]))
        }
        changes.append(say("why.change." + details.state.shift.rawValue))
        if details.instance == nil { changes.append(say("why.change.unmapped")) }
        return changes
    }
}

/// What an instance waits for.
enum Wait: String, Hashable, CaseIterable {
    case nothing, look, proof, gap, retry, spacing, budget, boot, scan, person, engine, credential, mapping
    /// A person, while a command that was refused is tried again all the same.
    case refused
    /// That somebody acts for the engine.
    case attendance
}

extension Reason {
    var wait: Wait {
        switch self {
        case .working, .stopped, .failedCountsAsStopped, .missingOffShift: .nothing
        case .shouldRun, .shouldStop, .wentDown, .cameUp, .lookFirst, .neverRead, .outcomeUnknown, .confirmingDrift,
            .failedRestart, .stuckRestart, .rebootAsked:
            .look
        case .startSent, .stopSent, .restartSent: .proof
        case .booting: .boot
        case .stopGap: .gap
        case .retryLater: .retry
        case .restartSpacing, .keepsFalling, .keepsComingUp, .failingAlike: .spacing
        case .restartBudgetUsed: .budget
        case .pairingRequired: .scan
        case .startRefused, .stopRefused: .refused
        case .sessionMissing, .unknownWord, .listedOnly, .suspect: .person
        case .accountRefused: .credential
        case .stale: .engine
        case .noInstance: .mapping
        }
    }
}

extension Catalogue {
    /// Why a command was sent, by its reason's word; an older release's word as it is.
    func command(_ word: String) -> String {
        sentences["did." + word] ?? sentences["reason." + word] ?? word
    }

    /// What an engine's verdict means.
    func verdict(_ word: String) -> String {
        sentences["verdict." + word] ?? word
    }
}
