import Domain
import FoundationEssentials
import LibPQ
import Testing

@testable import Service

@Suite("Guard: the setting of what a break does", .timeLimit(.minutes(3)))
struct GuardSettingTests {
    /// What a replica with this setting does.
    private func desk(_ fixture: ManagementFixture, _ action: BreakAction) -> SettingDesk {
        var policy = fixture.dependencies.policy
        policy.breakAction = action
        return SettingDesk(
            AgentDirectory(
                pool: fixture.pool,
                policy: policy,
                rules: MatchingRules(),
                clock: fixture.clock,
                wakes: fixture.bell
            )
        )
    }

    /// Lets replicas live that were started with these settings; `nil` for one of an earlier release.
    private func live(_ fixture: ManagementFixture, _ settings: [String?]) async throws {
        _ = try await fixture.pool.pipeline(
            ["DELETE FROM replicas"]
                + settings.map { setting in
                    """
                    INSERT INTO replicas (replica, seen_at, expires_at, release, break_action)
                    VALUES (\(UUID()), now(), now() + interval '10 minutes', 'test', \(setting))
                    """
                }
        )
    }

    private func addOnBreak(_ fixture: ManagementFixture, _ agentIDs: [String]) async throws {
        try await fixture.addOnShift(agentIDs)
        for agentID in agentIDs {
            try await fixture.addEvent(.breakStart, of: agentID, ago: .seconds(600), matched: true)
            try await fixture.refold(agentID)
        }
    }

    private func desired(_ fixture: ManagementFixture) async throws -> Set<String> {
        Set(try await fixture.send("GET", "/v1/agents?limit=100").items().compactMap { $0["desired"] as? String })
    }

    private func inForce(_ fixture: ManagementFixture) async throws -> String? {
        try await fixture.pool.rows("SELECT value FROM settings_in_force") { row throws(PQError) in
            try row.column("value", as: String.self)
        }.first
    }

    private let seven = (1...7).map { "a\($0)" }

    @Test
    func `one that would change many waits, the old one goes on, and a named person lets it happen`() async throws {
        try await withManagement { fixture in
            #expect(try await desk(fixture, .keep).tend().step == .inForce)
            try await addOnBreak(fixture, seven)
            try await live(fixture, ["stop"])
            #expect(try await desk(fixture, .stop).tend().step == .waits)
            let change = try #require(try await fixture.heldChanges().first)
            let shown = try await fixture.send("GET", "/v1/guard/\(change)").json()
            #expect(shown["kind"] as? String == "setting")
            #expect(shown["asked_by"] as? String == "ROLLCALL_BREAK_ACTION=stop")
            #expect(shown["affected"] as? Int == 7 && shown["waiting"] as? Int == 7)
            #expect((shown["parts"] as? [[String: Any]])?.count == 7)
            #expect(try await fixture.waiting(of: "a3") == ["setting"])
            #expect(try await fixture.openIncidents() == ["change_held"])
            // Nobody acts on it meanwhile, whoever goes on break, and it is asked for once.
            try await addOnBreak(fixture, ["a8"])
            #expect(try await desk(fixture, .stop).tend().step == .waits)
            #expect(try await fixture.heldChanges().count == 1)
            #expect(try await desired(fixture) == ["running"])

            _ = fixture.bell.take()
            let bound = try await fixture.key(.manage, teams: ["support"])
            #expect(try await fixture.send("POST", "/v1/guard/\(change)/approve", key: bound).status == 403)
            let part = #"{"agents":["a1"]}"#
            let approve = "/v1/guard/\(change)/approve"
            #expect(try await fixture.send("POST", approve, as: .manage, json: part).status == 422)
            #expect(try await fixture.send("POST", approve, as: .manage).status == 200)
            #expect(try await desired(fixture) == ["stopped"])
            #expect(fixture.bell.take().count == 8)
            #expect(try await fixture.openIncidents() == [])
            #expect(try await fixture.state(of: change) == "approved")
            #expect(try await fixture.audit("setting.apply") == ["manage"])
            #expect(try await fixture.send("POST", "/v1/guard/\(change)/refuse", as: .manage).status == 409)
            #expect(try await desk(fixture, .stop).tend().step == .inForce)
            // What is derived from now on follows it, also by a process of the other setting.
            try await addOnBreak(fixture, ["a9"])
            #expect(try await desired(fixture) == ["stopped"])
        }
    }

    @Test
    func `one that changes few is in force at once, and counts for what comes after`() async throws {
        try await withManagement { fixture in
            _ = try await desk(fixture, .keep).tend()
            try await addOnBreak(fixture, ["a1", "a2", "a3"])
            try await fixture.addOnShift(["b1", "b2", "b3"])
            try await live(fixture, ["stop"])
            #expect(try await desk(fixture, .stop).tend().step == .inForce)
            #expect(try await inForce(fixture) == "stop")
            #expect(try await fixture.heldChanges() == [])
            let stopped = try await fixture.count(
                "SELECT count(*) AS count FROM agent_states WHERE rule = 'break' AND desired = 0"
            )
            #expect(stopped == 3)
            #expect(try await fixture.hold("b1") == 200)
            #expect(try await fixture.hold("b2") == 200)
            #expect(try await fixture.hold("b3") == 202)
        }
    }

    @Test
    func `replicas side by side with different settings change nothing, and neither does one of an earlier release`()
        async throws
    {
        try await withManagement { fixture in
            _ = try await desk(fixture, .keep).tend()
            try await addOnBreak(fixture, seven)
            for others in [["keep", "stop"], ["stop", nil], []] {
                try await live(fixture, others)
                for _ in 0..<2 {
                    let (step, mayChange) = try await desk(fixture, .stop).tend()
                    #expect(step == .disagreed && mayChange)
                    #expect(try await desk(fixture, .keep).tend().step == .inForce)
                }
                #expect(try await inForce(fixture) == "keep")
                #expect(try await fixture.heldChanges() == [])
            }
        }
    }

    @Test
    func `who refuses it is heard until another is asked for, and a restart takes it back`() async throws {
        try await withManagement { fixture in
            _ = try await desk(fixture, .keep).tend()
            try await addOnBreak(fixture, seven)
            try await live(fixture, ["stop"])
            _ = try await desk(fixture, .stop).tend()
            let change = try #require(try await fixture.heldChanges().first)
            #expect(try await fixture.send("POST", "/v1/guard/\(change)/refuse", as: .manage).status == 200)
            #expect(try await fixture.openIncidents() == [])
            #expect(try await desk(fixture, .stop).tend().step == .refused)
            #expect(try await desired(fixture) == ["running"])
            try await live(fixture, ["keep"])
            #expect(try await desk(fixture, .keep).tend().step == .inForce)
            // Asked for anew, and taken back before anybody decided.
            try await live(fixture, ["stop"])
            #expect(try await desk(fixture, .stop).tend().step == .waits)
            let again = try #require(try await fixture.heldChanges().first)
            #expect(again != change)
            // What looks after held changes leaves it alone.
            await fixture.keeper.tend()
            #expect(try await fixture.state(of: again) == "held")
            try await live(fixture, ["keep"])
            #expect(try await desk(fixture, .keep).tend().step == .inForce)
            #expect(try await fixture.state(of: again) == "superseded")
            #expect(try await fixture.openIncidents() == [])
            #expect(try await desired(fixture) == ["running"])
        }
    }
}
