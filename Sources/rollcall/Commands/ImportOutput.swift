import Service
import Synchronization

/// What `agents import` prints: of a dry run what would change, line by line as it is found, and the counts.
final class ImportOutput: Sendable {
    private let isDryRun: Bool
    private let isJSON: Bool
    private let isFirst = Atomic(true)

    init(isDryRun: Bool, isJSON: Bool) {
        self.isDryRun = isDryRun
        self.isJSON = isJSON
    }

    /// One agent that would be added or changed.
    func say(_ difference: AgentDifference) {
        guard isDryRun else { return }
        if isJSON {
            let separator = isFirst.exchange(false, ordering: .relaxed) ? "{\"changes\":[" : ","
            Terminal.say(separator + Self.json(difference))
        } else {
            Terminal.say(Self.line(difference))
        }
    }

    func finish(_ report: AgentImport.Report) {
        guard isJSON else {
            for fault in report.faults { Terminal.complain(fault.description) }
            if !report.isComplete, !isDryRun, report.added + report.changed == 0 {
                Terminal.complain("nothing was imported")
            }
            let verb = isDryRun ? "would be " : ""
            if report.heldCount > 0, let change = report.heldChange { say(report, change) }
            if let forecast = report.forecast { Terminal.say(Self.line(forecast)) }
            Terminal.say(
                "\(report.added) \(verb)added, \(report.changed) \(verb)changed, \(report.unchanged) unchanged"
                    + (isDryRun ? "" : ", \(report.applied) unmatched events applied")
            )
            return
        }
        var start = "{"
        if isDryRun { start = isFirst.load(ordering: .relaxed) ? "{\"changes\":[]," : "]," }
        let faults = report.faults.map { fault in
            let column = fault.column.map(JSONText.quoted) ?? "null"
            return "{\"line\":\(fault.line),\"column\":\(column),\"detail\":\(JSONText.quoted(fault.detail))}"
        }
        Terminal.say(
            start + "\"dry_run\":\(isDryRun),\"added\":\(report.added),\"changed\":\(report.changed),"
                + "\"held\":\(report.heldCount),\"held_change\":\(report.heldChange.map(String.init) ?? "null"),"
                + (report.forecast.map { "\"guard\":\(Self.json($0))," } ?? "")
                + "\"unchanged\":\(report.unchanged),\"applied\":\(isDryRun ? "null" : String(report.applied)),\"faults\":[\(faults.joined(separator: ","))]}"
        )
    }

    /// What has to wait for somebody, and how to go on.
    private func say(_ report: AgentImport.Report, _ change: Int64) {
        let more = report.heldCount - report.held.count
        let names = report.held.joined(separator: ", ") + (more > 0 ? " and \(more) more" : "")
        Terminal.say("held, as change \(change), since other sessions than now would run or stop: \(names)")
        Terminal.say("see it with `rollcall guard show \(change)`")
        Terminal.say("then `rollcall guard approve \(change) --by NAME`, or `refuse`")
    }

    /// What the guard would say, in one sentence.
    private static func line(_ forecast: GuardForecast) -> String {
        let sessions = forecast.changing == 1 ? "1 session" : "\(forecast.changing) sessions"
        let numbers =
            "what is desired of \(sessions) would change; at most \(forecast.limit) may within 5 minutes, \(forecast.recent) did"
        guard forecast.wouldHold else { return "nothing would be held: " + numbers }
        let more = forecast.heldCount - forecast.held.count
        let names = forecast.held.joined(separator: ", ") + (more > 0 ? " and \(more) more" : "")
        return "would be held until somebody approves it: \(names)\n" + numbers
    }

    private static func json(_ forecast: GuardForecast) -> String {
        "{\"would_hold\":\(forecast.wouldHold),\"desired_changes\":\(forecast.changing),\"recent\":\(forecast.recent),"
            + "\"limit\":\(forecast.limit),\"held\":\(forecast.heldCount),"
            + "\"agents\":[\(forecast.held.map(JSONText.quoted).joined(separator: ","))]}"
    }

    /// `+ ana  team: support` or `~ ana  team: support -> sales`.
    private static func line(_ difference: AgentDifference) -> String {
        let fields = difference.fields.map { field in
            "\(field.name): " + (field.before.map { "\($0.isEmpty ? "-" : $0) -> " } ?? "")
                + (field.after.flatMap { $0.isEmpty ? nil : $0 } ?? "-")
        }
        return ([(difference.isNew ? "+ " : "~ ") + difference.agentID] + fields).joined(separator: "  ")
    }

    private static func json(_ difference: AgentDifference) -> String {
        let fields = difference.fields.map { field in
            let before = field.before.map(JSONText.quoted) ?? "null"
            let after = field.after.map(JSONText.quoted) ?? "null"
            return "\(JSONText.quoted(field.name)):{\"from\":\(before),\"to\":\(after)}"
        }
        let change = difference.isNew ? "added" : "changed"
        return "{\"agent_id\":\(JSONText.quoted(difference.agentID)),\"change\":\"\(change)\","
            + "\"fields\":{\(fields.joined(separator: ","))}}"
    }
}
