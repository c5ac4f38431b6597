import Domain
import LibPQ
import NIOCore

/// What one agent's part of a held change does once somebody approves it.
enum HeldWhat: Sendable, Hashable {
    /// The agent gets this session instead of the one it has; `nil` for none.
    case instance(InstanceSpec?)
    /// The agent gets the unmatched events under its names.
    case events
    case hold(Hold)
    case release
    /// The agent is stopped and removed, and erased if that was asked for.
    case removal(erases: Bool)

    /// Of what an agent has at most one part that waits.
    enum Slot: String, Sendable, Hashable {
        case instance, events, order
    }

    /// Every ``kind`` that this release knows.
    static let kinds = ["instance", "events", "hold", "release", "removal"]

    /// The word that is stored and shown.
    var kind: String {
        switch self {
        case .instance: "instance"
        case .events: "events"
        case .hold: "hold"
        case .release: "release"
        case .removal: "removal"
        }
    }

    var slot: Slot {
        switch self {
        case .instance: .instance
        case .events: .events
        case .hold, .release, .removal: .order
        }
    }

    /// What is stored in `guard_items.what`.
    var json: PQJSON {
        var buffer = ByteBuffer()
        var object = JSONObjectWriter(&buffer)
        switch self {
        case .instance(let instance):
            object.member("engine", instance?.engine, into: &buffer)
            object.member("instance_id", instance?.instanceID, into: &buffer)
            object.member("session_name", instance?.sessionName, into: &buffer)
        case .hold(let hold):
            object.member("state", hold.state.rawValue, into: &buffer)
            object.member("until", hold.until, into: &buffer)
            object.member("reason", hold.reason, into: &buffer)
            object.member("author", hold.author, into: &buffer)
        case .removal(let erases):
            object.member("erase", erases, into: &buffer)
        case .events, .release:
            break
        }
        object.end(&buffer)
        return PQJSON(String(buffer: buffer))
    }

    /// Reads back what ``kind`` and ``json`` wrote; `nil` for what no release of ours wrote.
    init?(kind: String, json: PQJSON) {
        guard let value = try? JSONValue(parsing: json.text.utf8), let fields = try? JSONFields(value) else {
            return nil
        }
        let text = { (name: String) in try? fields.text(name) }  // Of another type: as if it were not there.
        switch kind {
        case "instance":
            guard let engine = text("engine"), let instanceID = text("instance_id") else {
                self = .instance(nil)
                return
            }
            self = .instance(InstanceSpec(engine: engine, instanceID: instanceID, sessionName: text("session_name")))
        case "events": self = .events
        case "release": self = .release
        case "removal": self = .removal(erases: fields.value("erase") == .bool(true))
        case "hold":
            guard let state = text("state").flatMap(RunState.init(rawValue:)),
                let until = text("until").flatMap(Timestamp.init(rfc3339:))
            else { return nil }
            self = .hold(Hold(state: state, until: until, reason: text("reason") ?? "", author: text("author") ?? ""))
        default: return nil
        }
    }
}

/// One agent's part of a change that has to wait.
struct HeldPart: Sendable, Hashable {
    var agentID: String
    var what: HeldWhat
    var reason: GuardReason
    /// What is desired of the instance in question, and what would be.
    var before: RunState
    var after: RunState
}
