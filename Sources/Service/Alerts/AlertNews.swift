import Domain
import FoundationEssentials
import LibPQ
import NIOCore

/// Something that the outside has not been told yet.
struct AlertNews: Sendable {
    /// What begins or ends.
    enum Subject: String, Sendable {
        case incidentOpened = "incident.opened"
        case incidentClosed = "incident.closed"
        case cannotWork = "agent.cannot_work"
        case canWork = "agent.can_work"
    }

    var subject: Subject
    /// The incident's number, or the agent's surrogate key.
    var number: Int64
    /// The incident's number in words, or the episode of the agent.
    var episode: String?
    var kind: String
    var engine: String?
    var source: String?
    var change: Int64?
    /// `nil` for an agent that is erased.
    var agentID: String?
    var team: String?
    var detail: String
    var since: Timestamp
    /// Of an incident when it ended; of an agent when it was removed.
    var until: Timestamp?
    /// When it was read, by the database's clock.
    var readAt: Timestamp

    init(_ row: PQRow) throws(PQError) {
        subject = Subject(rawValue: try row.column("what", as: String.self)) ?? .incidentOpened
        number = try row.column("number", as: Int64.self)
        episode = try row.column("episode", as: UUID?.self)?.uuidString.lowercased()
        kind = try row.column("kind", as: String?.self) ?? ""
        engine = try row.column("engine", as: String?.self)
        source = try row.column("source", as: String?.self)
        change = try row.column("change", as: Int64?.self)
        agentID = try row.column("agent_id", as: String?.self)
        team = try row.column("team", as: String?.self)
        detail = try row.column("detail", as: String?.self) ?? ""
        since = try row.column("since", as: Timestamp?.self) ?? Timestamp(microseconds: 0)
        until = try row.column("until", as: Timestamp?.self)
        readAt = try row.column("read_at", as: Timestamp.self)
    }

    var isAboutAnAgent: Bool {
        switch subject {
        case .incidentOpened, .incidentClosed: false
        case .cannotWork, .canWork: true
        }
    }

    /// What begins and ends with the same.
    func thread(_ episode: UUID) -> String {
        switch subject {
        case .incidentOpened, .incidentClosed: "incident/\(number)"
        case .cannotWork, .canWork: "agent/\(self.episode ?? episode.uuidString.lowercased())"
        }
    }

    /// The body as it is sent: no secret, no name of a person, and nothing that looks like a telephone number.
    func body(_ redactor: Redactor, now: Timestamp) -> String {
        let safe = { (text: String?) in text.map { redactor.redact($0) } }
        var buffer = ByteBuffer()
        var object = JSONObjectWriter(&buffer)
        object.member("type", subject.rawValue, into: &buffer)
        object.member("timestamp", now, into: &buffer)
        object.name("data", into: &buffer)
        var data = JSONObjectWriter(&buffer)
        switch subject {
        case .incidentOpened, .incidentClosed:
            data.member("incident", number, into: &buffer)
            data.member("kind", kind, into: &buffer)
            data.member("engine", safe(engine), into: &buffer)
            data.member("source", safe(source), into: &buffer)
            data.member("change", change, into: &buffer)
            data.member("detail", safe(detail), into: &buffer)
            data.member("opened_at", since, into: &buffer)
            data.member("closed_at", until, into: &buffer)
        case .cannotWork, .canWork:
            data.member("agent_id", safe(agentID), into: &buffer)
            data.member("team", safe(team), into: &buffer)
            data.member("engine", safe(engine), into: &buffer)
            data.member("condition", kind, into: &buffer)
            data.member("reason", detail, into: &buffer)
            data.member("reason_text", Reason(rawValue: detail)?.sentence, into: &buffer)
            data.member("since", since, into: &buffer)
        }
        data.end(&buffer)
        object.end(&buffer)
        return String(buffer: buffer)
    }
}
