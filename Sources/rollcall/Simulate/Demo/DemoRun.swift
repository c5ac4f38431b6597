import FoundationEssentials
import NIOCore

/// Plays a day against a running Rollcall and a running simulator, over HTTP alone.
struct DemoRun: Sendable {
    let rollcall: RemoteService
    let simulator: RemoteService
    let account: String
    let day: DemoDay
    let say: @Sendable (String) -> Void

    /// Waits until Rollcall takes requests.
    func waitUntilReady(within limit: Duration) async throws {
        let clock = ContinuousClock()
        let end = clock.now + limit
        // Refused connections are what waiting is for.
        while (try? await rollcall.send(.get, "/readyz").isSuccess) != true {
            guard clock.now < end else { throw RemoteService.Failure(description: "Rollcall did not get ready") }
            try await clock.sleep(for: .milliseconds(200))
        }
    }

    /// Makes the sample team and its sessions.
    func prepare() async throws {
        struct Sessions: Encodable {
            struct Entry: Encodable {
                var instanceID: String
                var status = "STOPPED"
                var paired = true

                private enum CodingKeys: String, CodingKey {
                    case instanceID = "instance_id"
                    case status, paired
                }
            }
            var sessions: [Entry]
        }
        let entries = DemoPerson.all.map { Sessions.Entry(instanceID: $0.instanceID) }
        try await simulator.call(.put, "/_sim/sessions", Sessions(sessions: entries))
        for person in DemoPerson.all {
            let agent = Agent(
                name: person.name,
                team: person.team,
                timeZone: "Europe/Berlin",
                instance: .init(engine: account, instanceID: person.instanceID, sessionName: nil)
            )
            try await rollcall.call(.put, "/v1/agents/\(person.id)", agent)
        }
    }

    /// Makes a manager's key.
    func makeManagerKey() async throws -> String {
        struct Order: Encodable {
            var name = "demo manager"
            var role = "manage"
        }
        struct Made: Decodable {
            var key: String
        }
        return try RemoteService.decode(Made.self, from: try await rollcall.call(.post, "/v1/keys", Order())).key
    }

    /// The number of the call that the simulator will log next.
    func nextCall() async throws -> Int {
        try await simulator.read("/_sim/calls?limit=0", as: CallPage.self).total
    }

    /// Lets the day happen.
    ///
    /// - Parameter name: makes this day's event ids differ from every other day's.
    /// - Throws: when something was refused.
    func play(_ name: String) async throws {
        let clock = ContinuousClock()
        let begin = clock.now
        for (number, step) in day.steps.enumerated() {
            try await clock.sleep(until: begin + .milliseconds(Int64(step.second * 1_000)))
            say(step.story)
            try await perform(step.deed, id: "\(name)-\(number)")
        }
    }

    private func perform(_ deed: DemoDay.Deed, id: String) async throws {
        struct Strike: Encodable {
            var kind: String
            var scope: String
            var count: Int?
            var operations: [String]?
        }
        switch deed {
        case .clock(let kind, let person, let times):
            for _ in 0..<times {
                try await rollcall.call(
                    .post,
                    "/v1/clock-events",
                    Event(eventID: id, agentID: person, kind: kind)
                )
            }
        case .drift(let kind, let person, let count):
            let isForCommands = ["lying_200", "drop_after_effect"].contains(kind)
            let strike = Strike(
                kind: kind,
                scope: DemoPerson.all.first { $0.id == person }?.instanceID ?? person,
                count: count,
                operations: isForCommands ? ["start", "stop", "restart"] : nil
            )
            try await simulator.call(.post, "/_sim/faults", strike)
        }
    }

    /// Clocks out who is in, links every telephone again, and waits until every session is stopped.
    ///
    /// - Returns: who is not home when time is up, in words.
    func goHome(within limit: Duration) async throws -> [String] {
        struct Scan: Encodable {
            var scope = "all"
        }
        let evening = UUID().uuidString
        let present = try await people().filter { $0.shift != "out" }
        let events = present.map { Event(eventID: "\(evening)-\($0.agentId)", agentID: $0.agentId, kind: "clock_out") }
        if !events.isEmpty { try await rollcall.call(.post, "/v1/clock-events", events) }
        try await simulator.call(.post, "/_sim/scan", Scan())
        return try await settle(to: DemoDay.night, within: limit)
    }

    /// Waits until everybody is where they should be, and says what is still wrong when time is up.
    func settle(to endings: [String: DemoDay.Ending], within limit: Duration) async throws -> [String] {
        let clock = ContinuousClock()
        let end = clock.now + limit
        let check = DemoCheck(endings: endings)
        while true {
            let wrong = check.misplaced(try await look())
            if wrong.isEmpty || clock.now >= end { return wrong }
            try await clock.sleep(for: .milliseconds(300))
        }
    }

    /// Calls that should never have been made.
    func faults(since first: Int) async throws -> [String] {
        let page = try await simulator.read("/_sim/calls?since=\(first)&limit=1000000", as: CallPage.self)
        return DemoCheck(endings: day.endings).faults(in: page.calls)
    }

    private func look() async throws -> [String: DemoCheck.Seen] {
        struct Sessions: Decodable {
            struct Session: Decodable {
                var instanceId: String
                var status: String
            }
            var sessions: [Session]
        }
        let sessions = try await simulator.read("/_sim/sessions", as: Sessions.self).sessions
        let agents = try await people()
        let statuses = Dictionary(sessions.map { ($0.instanceId, $0.status) }) { first, _ in first }
        let conditions = Dictionary(agents.map { ($0.agentId, $0.condition) }) { first, _ in first }
        return Dictionary(
            uniqueKeysWithValues: DemoPerson.all.map {
                ($0.id, DemoCheck.Seen(status: statuses[$0.instanceID], condition: conditions[$0.id]))
            }
        )
    }

    /// The team as Rollcall shows it; whoever else there is stays out of the play.
    private func people() async throws -> [Shown] {
        struct Page: Decodable {
            var items: [Shown]
        }
        let known = Set(DemoPerson.all.map(\.id))
        let shown = try await rollcall.read("/v1/agents?limit=500", as: Page.self).items
        return shown.filter { known.contains($0.agentId) }
    }

    private struct Shown: Decodable {
        var agentId: String
        var shift: String
        var condition: String
    }

    private struct CallPage: Decodable {
        var total: Int
        var calls: [DemoCheck.Call]
    }
}
