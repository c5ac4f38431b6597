package import Domain
package import NIOCore

extension AliasMapping {
    /// What it comes to, in sentences for people: of a dry run what would happen.
    package func text(before standingBefore: AgentStanding, after standing: AgentStanding) -> String {
        ([moved, events, shift, session(standingBefore, standing), left] as [String?]).compactMap { $0 }
            .joined(separator: " ")
    }

    private var name: String { after.name.isEmpty ? after.agentID : after.name }

    private var moved: String? {
        movedFrom.map { "The name \(isDryRun ? "will move" : "moved") here from \($0), for later events only." }
    }

    private var events: String {
        let verb = isDryRun ? "will be applied" : applied == 1 ? "was applied" : "were applied"
        let count = applied == 0 ? "No event" : applied == 1 ? "1 event" : "\(applied) events"
        return
            "\(count) \(applied == 0 && !isDryRun ? "was applied" : verb)\(isWhole ? "" : ", and older ones after them")."
    }

    private var shift: String {
        let since = after.state.since.map { " since \(clockTime($0))" } ?? ""
        let isSame = before.state.shift == after.state.shift && before.state.since == after.state.since
        return isSame
            ? "\(name) stays \(shiftWords)\(since)."
            : "\(name) \(isDryRun ? "will be" : "is") \(shiftWords)\(since)."
    }

    private var shiftWords: String {
        switch after.state.shift {
        case .in: "on shift"
        case .onBreak: "on break"
        case .out: "off shift"
        }
    }

    private func session(_ before: AgentStanding, _ after: AgentStanding) -> String? {
        guard self.after.instance != nil else {
            return after.desired.run == .running ? "There is no session to start: the agent has none." : nil
        }
        return switch (before.desired.run, after.desired.run) {
        case (.stopped, .running): isDryRun ? "Their session will start." : "Their session is being started."
        case (.running, .stopped): isDryRun ? "Their session will stop." : "Their session is being stopped."
        case (.running, .running), (.stopped, .stopped): "Nothing changes about their session."
        }
    }

    private var left: String? {
        guard leftOut > 0 else { return nil }
        let subject = leftOut == 1 ? "1 event stays unmatched: it is" : "\(leftOut) events stay unmatched: they are"
        return "\(subject) \(LeftOutReason.tooOldToStart.label)."
    }

    /// The answer of the API.
    package func write(before standingBefore: AgentStanding, after standing: AgentStanding, to buffer: inout ByteBuffer)
    {
        var object = JSONObjectWriter(&buffer)
        object.member("source", alias.source, into: &buffer)
        object.member("external_id", alias.externalID, into: &buffer)
        object.member("agent_id", after.agentID, into: &buffer)
        object.member("moved_from", movedFrom, into: &buffer)
        object.member("dry_run", isDryRun, into: &buffer)
        object.member("applied", applied, into: &buffer)
        object.member("left_out", leftOut, into: &buffer)
        object.member("left_out_reason", leftOut > 0 ? LeftOutReason.tooOldToStart.rawValue : nil, into: &buffer)
        object.member("complete", isWhole, into: &buffer)
        object.member("text", text(before: standingBefore, after: standing), into: &buffer)
        object.name("agent", into: &buffer)
        after.write(standing, aliases: aliases, to: &buffer)
        object.end(&buffer)
    }
}

extension LeftOutReason {
    /// Why, as the end of "it is …".
    package var label: String {
        switch self {
        case .tooOldToStart: "too old to start a session"
        }
    }
}
