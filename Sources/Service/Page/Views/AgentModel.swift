import Domain

/// The page of one agent.
struct AgentModel {
    let caller: Caller
    let explanation: Explanation
    /// Newest first.
    let events: [LedgerEntry]
    /// What the sources call the agent.
    let aliases: [AliasSpec]
    /// Every clock source, for who may map.
    let sources: [String]
    let now: Timestamp

    private var details: AgentDetails { explanation.details }
    private var standing: AgentStanding { explanation.standing }

    var values: [String: Any] {
        var values = RowModel(details: details, standing: standing, now: now).values
        values["title"] = values["name"]
        values["script"] = "agent.js"
        values["signed_in"] = true
        values["who"] = caller.name
        values["role"] = caller.role.rawValue
        values["now"] = now.rfc3339
        values["now_clock"] = clockTime(now)
        values["may_act"] = caller.role.includes(.manage)
        let mayMap = caller.role.includes(.admin)
        values["may_map"] = mayMap
        values["aliases"] = aliases.map { alias($0, mayMap: mayMap) }
        values["has_aliases"] = !aliases.isEmpty
        values["sources"] = sources
        values["has_team"] = !details.team.isEmpty
        values["is_held"] = standing.hold != nil
        values["stream"] = "/v1/stream?snapshot=false&q=" + pathEscaped(details.agentID)
        values["api"] = "/v1/agents/" + pathEscaped(details.agentID)
        values["losing"] = standing.desired.losing.map { verdict in
            [
                "rule": verdict.rule.label, "state": verdict.run.rawValue,
                "agrees": verdict.run == standing.desired.run,
            ]
        }
        values["event"] = explanation.event.map(event)
        values["changes"] = explanation.changes
        values["next_look"] = explanation.nextLook(now: now).map(ahead)
        values["events"] = events.map(event)
        values["has_events"] = !events.isEmpty
        values["commands"] = explanation.commands.map(command)
        values["has_commands"] = !explanation.commands.isEmpty
        return values
    }

    private func alias(_ alias: AliasSpec, mayMap: Bool) -> [String: Any] {
        [
            "source": alias.source, "external_id": alias.externalID, "may_map": mayMap,
            "api": "/v1/sources/\(pathEscaped(alias.source))/aliases/\(pathEscaped(alias.externalID))",
        ]
    }

    private func event(_ event: LedgerEntry) -> [String: Any] {
        [
            "kind": event.punch.kind.label,
            "source": event.source,
            "occurred": timeValues(event.occurredAt, now: now),
            "received": timeValues(event.receivedAt, now: now),
            "late": (event.receivedAt - event.occurredAt) > .seconds(60),
            "ahead": event.punch.effectiveAt > now,
            "decides": event == explanation.event,
            "stands": event.standing == .stands,
            "standing": event.standing.label,
            "standing_text": event.standing.sentence,
        ]
    }

    private func command(_ command: CommandEntry) -> [String: Any] {
        var values: [String: Any] = [
            "action": command.action,
            "reason_text": Reason(rawValue: command.reason)?.sentence ?? command.reason,
            "intended": timeValues(command.intendedAt, now: now),
            "verdict": verdict(command),
            "claim": command.claim ?? "",
            "has_claim": command.claim != nil,
        ]
        if let sentAt = command.sentAt, let endedAt = command.endedAt {
            values["took"] = "\((endedAt - sentAt).microseconds / 1000) ms"
        }
        return values
    }

    private func verdict(_ command: CommandEntry) -> String {
        guard let verdict = command.verdict else { return command.sentAt == nil ? "not sent yet" : "no answer yet" }
        return EngineVerdict(rawValue: verdict)?.label ?? verdict
    }

    private func ahead(_ instant: Timestamp) -> [String: Any] {
        let seconds = max(0, (instant - now).components.seconds)
        return ["exact": instant.rfc3339, "clock": clockTime(instant), "in": seconds == 0 ? "now" : "in \(seconds) s"]
    }
}
