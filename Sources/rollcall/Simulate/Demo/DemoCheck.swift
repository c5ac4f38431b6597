/// Whether a demo's day ended right, judged by what the engine saw and what the page shows.
struct DemoCheck: Sendable {
    /// The truth about a session and what Rollcall says of it.
    struct Seen: Sendable, Hashable {
        /// The engine's word; `nil` for a session that is gone.
        var status: String?
        var condition: String?
    }

    /// One call of the simulator's log.
    struct Call: Sendable, Hashable, Decodable {
        var operation: String
        var instanceId: String
        /// Microseconds since 1970.
        var receivedAtUs: Int64
        var answeredAtUs: Int64?
    }

    var endings: [String: DemoDay.Ending]
    /// The least time between the end of a stop and the next start.
    var gap: Duration = .seconds(3)

    /// People who are not where they should be, in words.
    func misplaced(_ seen: [String: Seen]) -> [String] {
        endings.sorted { $0.key < $1.key }.compactMap { person, ending in
            let found = seen[person] ?? Seen()
            guard found != Seen(status: ending.status, condition: ending.condition) else { return nil }
            return "\(person): \(found.status ?? "gone"), shown as \(found.condition ?? "nothing"); "
                + "expected \(ending.status), shown as \(ending.condition)"
        }
    }

    /// Calls that should never have been made, in words.
    ///
    /// A log without any start is itself a fault.
    func faults(in calls: [Call]) -> [String] {
        guard calls.contains(where: { $0.operation == "start" }) else { return ["no start was ever called"] }
        var faults: [String] = []
        var stopEndedAt: [String: Int64] = [:]
        for call in calls.sorted(by: { $0.receivedAtUs < $1.receivedAtUs }) {
            switch call.operation {
            case "stop":
                stopEndedAt[call.instanceId] = call.answeredAtUs ?? call.receivedAtUs
            case "start", "restart":
                if let ended = stopEndedAt[call.instanceId],
                    .microseconds(call.receivedAtUs - ended) < gap
                {
                    faults.append("\(call.instanceId): \(call.operation) within \(gap.components.seconds) s of a stop")
                }
            case "info": break
            default: faults.append("\(call.instanceId): \(call.operation) was called")
            }
        }
        return faults
    }
}
