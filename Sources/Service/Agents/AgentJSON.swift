import Domain
package import NIOCore

extension AgentDetails {
    /// How shift and session agree, in one word.
    func agreement(_ standing: AgentStanding) -> Agreement {
        Domain.agreement(
            shift: state.shift,
            desired: standing.desired.run,
            condition: standing.condition,
            reason: standing.reason
        )
    }

    /// Writes the agent as clients see it, in lists, alone and in streams.
    ///
    /// `aliases`: added where they were asked for.
    package func write(_ standing: AgentStanding, aliases: [AliasSpec]? = nil, to buffer: inout ByteBuffer) {
        write(standing, aliases: aliases, waiting: nil, to: &buffer)
    }

    /// The same with what waits for somebody's approval, where that was asked for.
    func write(
        _ standing: AgentStanding,
        aliases: [AliasSpec]?,
        waiting: [WaitingPart]?,
        to buffer: inout ByteBuffer
    ) {
        var object = JSONObjectWriter(&buffer)
        object.member("agent_id", agentID, into: &buffer)
        object.member("name", name, into: &buffer)
        object.member("team", team, into: &buffer)
        object.member("time_zone", timeZone, into: &buffer)
        object.member("shift", state.shift.rawValue, into: &buffer)
        object.member("shift_since", state.since, into: &buffer)
        object.member("desired", standing.desired.run.rawValue, into: &buffer)
        object.member("rule", standing.desired.rule.rawValue, into: &buffer)
        object.member("generation", generation, into: &buffer)
        object.member("observed", reading, into: &buffer)
        object.member("as_of", readAt, into: &buffer)
        object.member("condition", standing.condition.rawValue, into: &buffer)
        object.member("reason", standing.reason.rawValue, into: &buffer)
        object.member("reason_text", standing.reason.sentence, into: &buffer)
        object.member("since", standing.since, into: &buffer)
        object.member("agreement", agreement(standing).rawValue, into: &buffer)
        object.member("turn", agreement(standing).turn(standing.reason).rawValue, into: &buffer)
        object.name("instance", into: &buffer)
        write(instanceSpec, to: &buffer)
        object.name("hold", into: &buffer)
        write(standing.hold, to: &buffer)
        if let removalAskedAt { object.member("removal_asked_at", removalAskedAt, into: &buffer) }
        if let aliases {
            object.name("aliases", into: &buffer)
            buffer.writeJSONArray(aliases) { alias, buffer in
                var object = JSONObjectWriter(&buffer)
                object.member("source", alias.source, into: &buffer)
                object.member("external_id", alias.externalID, into: &buffer)
                object.end(&buffer)
            }
        }
        if let waiting {
            object.name("waiting", into: &buffer)
            buffer.writeJSONArray(waiting) { $0.write(to: &$1) }
        }
        object.end(&buffer)
    }

    private func write(_ instance: InstanceSpec?, to buffer: inout ByteBuffer) {
        guard let instance else {
            buffer.writeStaticString("null")
            return
        }
        var object = JSONObjectWriter(&buffer)
        object.member("engine", instance.engine, into: &buffer)
        object.member("instance_id", instance.instanceID, into: &buffer)
        object.member("session_name", instance.sessionName, into: &buffer)
        object.end(&buffer)
    }

    private func write(_ hold: Hold?, to buffer: inout ByteBuffer) {
        guard let hold else {
            buffer.writeStaticString("null")
            return
        }
        var object = JSONObjectWriter(&buffer)
        object.member("state", hold.state.rawValue, into: &buffer)
        object.member("until", hold.until, into: &buffer)
        object.member("reason", hold.reason, into: &buffer)
        object.member("author", hold.author, into: &buffer)
        object.end(&buffer)
    }
}
