import Domain

/// The page of one agent.
struct AgentModel {
    let frame: PageFrame
    let caller: Caller
    let explanation: Explanation
    /// Whether somebody acts for the engine of the agent's session.
    let isAttended: Bool
    /// Since when what should be has been so; `nil` while that is about to be stored.
    let desiredSince: Timestamp?
    /// Newest first.
    let events: [LedgerEntry]
    /// What the sources call the agent.
    let aliases: [AliasSpec]
    /// Every clock source, for who may map.
    let sources: [String]
    let timeline: TimelineModel
    let now: Timestamp

    private var details: AgentDetails { explanation.details }
    private var standing: AgentStanding { explanation.standing }
    private var words: Catalogue { frame.words }

    var values: [String: Any] {
        let row = RowModel(details: details, standing: standing, words: words, now: now, isAttended: isAttended).values
        let shown = details.name.isEmpty ? details.agentID : details.name
        var values = frame.values(
            title: shown,
            script: "agent.js",
            scripted: ["act.", "agent.sure_unmap", "agent.unmapped", "pairing.", "mapping.", "shift.", "bulk.yes."]
        ).merging(row) { _, row in row }
        let mayMap = caller.role.includes(.admin)
        values["aliases"] = aliases.map { alias($0, mayMap: mayMap) }
        values["has_aliases"] = !aliases.isEmpty
        values["has_pictures"] = true
        values["sources"] = sources
        values["has_team"] = !details.team.isEmpty
        values["desired_since"] = desiredSince.map { words.time($0, now: now) } ?? false
        values["is_held"] = standing.hold != nil
        values["needs_pairing"] = standing.condition == .needsPairing
        values["is_mapper"] = row["turn"] as? String == "mapper"
        values["stream"] = "/v1/stream?snapshot=false&q=" + pathEscaped(details.agentID)
        values["api"] = "/v1/agents/" + pathEscaped(details.agentID)
        let why = WhyModel(explanation: explanation, words: words, now: now, isAttended: isAttended)
        values["why"] = why.values
        values["next_look"] = why.nextLook.map { words.time($0, now: now) } ?? false
        values["zone"] = timeline.clock.name
        values["timeline"] = timeline.values
        values["events"] = events.map(event)
        values["has_events"] = !events.isEmpty
        values["commands"] = explanation.commands.map(command)
        values["has_commands"] = !explanation.commands.isEmpty
        return values
    }

    private func alias(_ alias: AliasSpec, mayMap: Bool) -> [String: Any] {
        [
            "source": alias.source, "external_id": balanced(alias.externalID), "may_map": mayMap,
            "api": "/v1/sources/\(pathEscaped(alias.source))/aliases/\(pathEscaped(alias.externalID))",
        ]
    }

    private func event(_ event: LedgerEntry) -> [String: Any] {
        [
            "kind": words("kind." + event.punch.kind.rawValue),
            "source": event.source,
            "occurred": words.time(event.occurredAt, now: now),
            "received": words.time(event.receivedAt, now: now),
            "stands": event.standing == .stands,
            "notes": notes(event).joined(separator: " · "),
        ]
    }

    /// What there is to say of an event besides.
    private func notes(_ event: LedgerEntry) -> [String] {
        var notes: [String] = []
        if event.standing != .stands {
            notes.append(words("agent.falls") + " " + words("standing." + event.standing.rawValue))
        }
        if event == explanation.event { notes.append(words("agent.decides")) }
        if (event.receivedAt - event.occurredAt) > .seconds(60) { notes.append(words("agent.late")) }
        if event.punch.effectiveAt > now { notes.append(words("agent.ahead")) }
        return notes
    }

    private func command(_ command: CommandEntry) -> [String: Any] {
        var values: [String: Any] = [
            "word": command.action,
            "action": words("action." + command.action),
            "reason_text": words.command(command.reason),
            "intended": words.time(command.intendedAt, now: now),
            "verdict": words.outcome(command),
            "claim": command.claim.map { words("agent.says", ["word": words.session($0)]) } ?? false,
            "took": "",
        ]
        if let sentAt = command.sentAt, let endedAt = command.endedAt { values["took"] = words.short(endedAt - sentAt) }
        return values
    }
}

extension Catalogue {
    /// What became of a command, in a word or two.
    func outcome(_ command: CommandEntry) -> String {
        guard let word = command.verdict else {
            return self(command.sentAt == nil ? "verdict.unsent" : "verdict.waiting")
        }
        return verdict(word)
    }
}
