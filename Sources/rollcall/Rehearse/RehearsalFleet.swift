import FoundationEssentials
import NIOCore
import Synchronization

/// Agents of their own for a rehearsal, in a team of their own: `rehearse-1`, `rehearse-2` and so on.
struct RehearsalFleet: Sendable {
    let rollcall: RemoteService
    /// `nil` for agents without an instance, which only the ledger has work with.
    let simulator: RemoteService?
    /// The engine account that the simulator stands behind.
    let account: String
    let size: Int

    static let team = "rehearsal"
    /// How long the service may have no room for what only prepares a rehearsal.
    private static let patience = Duration.seconds(30)

    func agentID(_ number: Int) -> String { "rehearse-\(number + 1)" }
    func instanceID(_ number: Int) -> String { "REHEARSE\(number + 1)" }

    /// The agent's number from its instance's id; `nil` for somebody else's.
    func number(ofInstance id: String) -> Int? {
        guard id.hasPrefix("REHEARSE"), let number = Int(id.dropFirst("REHEARSE".count)), (1...size).contains(number)
        else { return nil }
        return number - 1
    }

    /// Makes the agents and their sessions; those that are there already stay.
    func prepare(connections: Int) async throws {
        try await makeSessions()
        let reason = Mutex<String?>(nil)
        let outcome = await OpenLoop(schedule: .burst(size), connections: connections).run { number in
            let agent = Agent(
                name: "Rehearsal \(number + 1)",
                team: Self.team,
                timeZone: "UTC",
                instance: simulator == nil
                    ? nil : Agent.Instance(engine: account, instanceID: instanceID(number), sessionName: nil)
            )
            do {
                try await rollcall.call(.put, "/v1/agents/\(agentID(number))", agent, patience: Self.patience)
                return true
            } catch {
                reason.withLock { $0 = $0 ?? "\(error)" }
                return false
            }
        }
        guard outcome.failures == 0 else {
            let reason = reason.withLock { $0 ?? "" }
            throw RemoteService.Failure(
                description: "\(outcome.failures) of \(size) agents could not be made: \(reason)"
            )
        }
    }

    /// Posts one event for everybody, and waits until their sessions are where that leads.
    func bring(_ kind: String, until status: String, run: String, within limit: Duration) async throws {
        for first in stride(from: 0, to: size, by: 500) {
            let events = (first..<min(first + 500, size)).map { number in
                Event(eventID: "\(run)-\(kind)-\(number)", agentID: agentID(number), kind: kind)
            }
            try await rollcall.call(.post, "/v1/clock-events", events, patience: Self.patience)
        }
        let clock = ContinuousClock()
        let end = clock.now + limit
        while try await statuses().contains(where: { $0 != status }) {
            guard clock.now < end else {
                throw RemoteService.Failure(description: "not every session was \(status) in time")
            }
            try await clock.sleep(for: .milliseconds(200))
        }
    }

    /// The statuses of our sessions at the simulator; 404 for one that is gone.
    func statuses() async throws -> [String] {
        struct Sessions: Decodable {
            struct Session: Decodable {
                var instanceId: String
                var status: String
            }
            var sessions: [Session]
        }
        guard let simulator else { return [] }
        var statuses = Array(repeating: "404", count: size)
        for session in try await simulator.read("/_sim/sessions", as: Sessions.self).sessions {
            if let number = number(ofInstance: session.instanceId) { statuses[number] = session.status }
        }
        return statuses
    }

    private func makeSessions() async throws {
        struct Order: Encodable {
            struct Entry: Encodable {
                var instanceID: String
                private enum CodingKeys: String, CodingKey { case instanceID = "instance_id" }
            }
            var sessions: [Entry]
        }
        guard let simulator else { return }
        let entries = (0..<size).map { Order.Entry(instanceID: instanceID($0)) }
        for first in stride(from: 0, to: size, by: 5_000) {
            try await simulator.call(
                .put,
                "/_sim/sessions",
                Order(sessions: Array(entries[first..<min(first + 5_000, size)]))
            )
        }
    }
}

/// A clock event as our own API takes it.
struct Event: Encodable, Sendable {
    var eventID: String
    var agentID: String
    var kind: String
    /// RFC 3339; `nil` for now.
    var occurredAt: String?

    private enum CodingKeys: String, CodingKey {
        case eventID = "event_id"
        case agentID = "agent_id"
        case kind
        case occurredAt = "occurred_at"
    }
}

/// An agent as our own API takes it.
struct Agent: Encodable, Sendable {
    struct Instance: Encodable, Sendable {
        var engine: String
        var instanceID: String
        var sessionName: String?

        private enum CodingKeys: String, CodingKey {
            case engine
            case instanceID = "instance_id"
            case sessionName = "session_name"
        }
    }

    var name: String
    var team: String
    var timeZone: String
    var instance: Instance?

    private enum CodingKeys: String, CodingKey {
        case name, team
        case timeZone = "time_zone"
        case instance
    }

    /// Written by hand, since an absent instance must be an explicit null.
    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(team, forKey: .team)
        try container.encode(timeZone, forKey: .timeZone)
        try container.encode(instance, forKey: .instance)
    }
}
