import Domain

/// The words that people read for our own. The script finds them in the page, so that there is one list.
extension Condition {
    var label: String {
        switch self {
        case .converged: "in order"
        case .starting: "starting"
        case .stopping: "stopping"
        case .drifted: "drifted"
        case .needsPairing: "needs pairing"
        case .needsAttention: "needs attention"
        case .held: "held"
        case .unknown: "unknown"
        case .unassigned: "no instance"
        }
    }
}

extension Shift {
    var label: String {
        switch self {
        case .in: "on shift"
        case .onBreak: "on break"
        case .out: "off shift"
        }
    }
}

extension Rule {
    /// Why a rule decides, as the end of "because …".
    var sentence: String {
        switch self {
        case .hold: "somebody holds the agent"
        case .onBreak: "the policy for breaks says so"
        case .shift: "the shift says so"
        case .default: "nobody ever clocked in"
        }
    }

    var label: String {
        switch self {
        case .hold: "hold"
        case .onBreak: "break policy"
        case .shift: "shift"
        case .default: "default"
        }
    }
}

extension PunchKind {
    var label: String {
        switch self {
        case .clockIn: "clock-in"
        case .clockOut: "clock-out"
        case .breakStart: "break-start"
        case .breakEnd: "break-end"
        case .void: "withdrawn"
        }
    }
}

extension EngineVerdict {
    /// What became of a command.
    var label: String {
        switch self {
        case .ok: "accepted"
        case .already: "it was so already"
        case .verify: "accepted without a word"
        case .errorBody: "refused, dressed as success"
        case .missing: "session not known"
        case .permanent: "refused"
        case .auth: "credential refused"
        case .transient: "engine busy or failing"
        case .unreachable: "engine not reached"
        case .ambiguous: "no usable answer"
        case .notSent: "held back"
        }
    }
}

extension IncidentKind {
    /// What happens, as the end of a sentence.
    var label: String {
        switch self {
        case .accountRefused: "it refuses our credential, so nothing can be started, stopped or seen"
        case .engineOutage: "no call to it succeeds, so what its sessions do cannot be seen"
        case .sessionsFailing: "many of its sessions fail alike, so restarts go one by one until one of them helps"
        case .changeHeld: "a change that would affect many sessions waits until somebody approves or refuses it"
        case .sourceSilent: "nothing genuine comes from it any more, so who clocks in there is not seen"
        }
    }
}

/// The order in which agents are shown: what needs a person first, what is as it should be last.
enum RowOrder {
    /// A condition, with `:on` where it only means an agent who is on shift or on break.
    static let ranks = [
        "needs_attention", "needs_pairing", "drifted", "unknown", "unassigned:on", "starting", "stopping", "held",
        "converged:on", "converged", "unassigned",
    ]

    static func rank(_ condition: Condition, _ shift: Shift) -> Int {
        let onShift = shift == .out ? nil : ranks.firstIndex(of: condition.rawValue + ":on")
        return onShift ?? ranks.firstIndex(of: condition.rawValue) ?? ranks.count
    }
}

/// How long ago something was, in the largest unit that leaves two figures or so.
func age(of instant: Timestamp, now: Timestamp) -> String {
    let seconds = max(0, (now - instant).components.seconds)
    return switch seconds {
    case ..<60: "\(seconds) s ago"
    case ..<3600: "\(seconds / 60) min ago"
    case ..<172_800: "\(seconds / 3600) h ago"
    default: "\(seconds / 86_400) d ago"
    }
}
