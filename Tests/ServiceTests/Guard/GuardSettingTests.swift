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
            ),
            logger: fixture.dependencies.logger
        )
    }

    /// What a replica with this setting finds at the second of two looks, as it goes through them.
    private func look(
        _ fixture: ManagementFixture,
        _ action: BreakAction
    ) async throws -> (step: SettingStep, mayChange: Bool) {
        let first = try await desk(fixture, action).tend(after: nil)
        return try await desk(fixture, action).tend(after: first.step)
    }

    /// Lets replicas live that were started with these settings; `nil` for one of an earlier release.
    ///
    /// `late`: those whose lease has run out, `ago` seconds ago.
    private func live(
        _ fixture: ManagementFixture,
        _ settings: [String?],
        late: [String?] = [],
        ago: Double = 5
    ) async throws {
        let replicas = settings.map { ($0, 600) } + late.map { ($0, -ago) }
        _ = try await fixture.pool.pipeline(
            ["DELETE FROM replicas"]
                + replicas.map { setting, seconds in
                    """
                    INSERT INTO replicas (replica, seen_at, expires_at, release, break_action)
                    VALUES (\(UUID()), now(), now() + make_interval(secs => \(seconds)), 'test', \(setting))
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
            #expect(try await look(fixture, .keep).step == .inForce)
            try await addOnBreak(fixture, seven)
            try await live(fixture, ["stop"])
            #expect(try await look(fixture, .stop).step == .waits)
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
            #expect(try await look(fixture, .stop).step == .waits)
            #expect(try await fixture.heldChanges().count == 1)
            #expect(try await desired(fixture) == ["running"])

            _ = fixture.bell.take()
            let bound = try await fixture.key(.manage, teams: ["support"])
            #expect(try await fixture.send("POST", "/v1/guard/\(change)/approve", key: bound).status == 403)
            let part = #"{"agents":["a1"]}"#
            let approve = "/v1/guard/\(change)/approve"
            #expect(try await fixture.send("POST", approve, as: .manage, json: part).status == 422)
            // Nobody was shown that it is about one more by now.
            let late = try await fixture.send("POST", approve, as: .manage, json: #"{"waiting":7}"#)
            #expect(try late.code() == "more_waits")
            #expect(try await inForce(fixture) == "keep")
            #expect(try await fixture.send("POST", approve, as: .manage).status == 200)
            #expect(try await desired(fixture) == ["stopped"])
            #expect(fixture.bell.take().count == 8)
            #expect(try await fixture.openIncidents() == [])
            #expect(try await fixture.state(of: change) == "approved")
            #expect(try await fixture.audit("setting.apply") == ["manage"])
            #expect(try await fixture.send("POST", "/v1/guard/\(change)/refuse", as: .manage).status == 409)
            #expect(try await look(fixture, .stop).step == .inForce)
            // What is derived from now on follows it, also by a process of the other setting.
            try await addOnBreak(fixture, ["a9"])
            #expect(try await desired(fixture) == ["stopped"])
        }
    }

    @Test
    func `one that changes few is in force at once, and counts for what comes after`() async throws {
        try await withManagement { fixture in
            _ = try await look(fixture, .keep)
            try await addOnBreak(fixture, ["a1", "a2", "a3"])
            try await fixture.addOnShift(["b1", "b2", "b3"])
            try await live(fixture, ["stop"])
            #expect(try await look(fixture, .stop).step == .inForce)
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
            _ = try await look(fixture, .keep)
            try await addOnBreak(fixture, seven)
            for others in [["keep", "stop"], ["stop", nil], []] {
                try await live(fixture, others)
                for _ in 0..<2 {
                    let (step, mayChange) = try await look(fixture, .stop)
                    #expect(step == .disagreed && mayChange)
                    #expect(try await look(fixture, .keep).step == .inForce)
                }
                #expect(try await inForce(fixture) == "keep")
                #expect(try await fixture.heldChanges() == [])
            }
        }
    }

    @Test
    func `who refuses it is heard until another is asked for, and a restart takes it back`() async throws {
        try await withManagement { fixture in
            _ = try await look(fixture, .keep)
            try await addOnBreak(fixture, seven)
            try await live(fixture, ["stop"])
            _ = try await look(fixture, .stop)
            let change = try #require(try await fixture.heldChanges().first)
            #expect(try await fixture.send("POST", "/v1/guard/\(change)/refuse", as: .manage).status == 200)
            #expect(try await fixture.openIncidents() == [])
            #expect(try await look(fixture, .stop).step == .refused)
            #expect(try await desired(fixture) == ["running"])
            try await live(fixture, ["keep"])
            #expect(try await look(fixture, .keep).step == .inForce)
            // Asked for anew, and taken back before anybody decided.
            try await live(fixture, ["stop"])
            #expect(try await look(fixture, .stop).step == .waits)
            let again = try #require(try await fixture.heldChanges().first)
            #expect(again != change)
            // What looks after held changes leaves it alone.
            await fixture.keeper.tend()
            #expect(try await fixture.state(of: again) == "held")
            try await live(fixture, ["keep"])
            #expect(try await look(fixture, .keep).step == .inForce)
            #expect(try await fixture.state(of: again) == "superseded")
            #expect(try await fixture.openIncidents() == [])
            #expect(try await desired(fixture) == ["running"])
        }
    }

    @Test
    func `a replica that is late with its heartbeat has its say, and all that agree are looked at twice`() async throws
    {
        try await withManagement { fixture in
            _ = try await look(fixture, .keep)
            try await addOnBreak(fixture, ["a1"])
            try await live(fixture, ["stop"], late: ["keep"])
            #expect(try await look(fixture, .stop).step == .disagreed)
            #expect(try await inForce(fixture) == "keep")
            // It is gone for good.
            try await live(fixture, ["stop"], late: ["keep"], ago: 120)
            let first = try await desk(fixture, .stop).tend(after: nil)
            #expect(first.step == .ask && first.mayChange)
            #expect(try await inForce(fixture) == "keep")
            // Back before the second look: nothing has changed.
            try await live(fixture, ["stop", "keep"])
            #expect(try await desk(fixture, .stop).tend(after: first.step).step == .disagreed)
            try await live(fixture, ["stop"])
            #expect(try await desk(fixture, .stop).tend(after: .disagreed).step == .ask)
            #expect(try await inForce(fixture) == "keep")
            #expect(try await desk(fixture, .stop).tend(after: .ask).step == .inForce)
            #expect(try await inForce(fixture) == "stop")
        }
    }

    @Test
    func `a refusal outlives the change that was refused`() async throws {
        try await withManagement { fixture in
            _ = try await look(fixture, .keep)
            try await addOnBreak(fixture, seven)
            try await live(fixture, ["stop"])
            _ = try await look(fixture, .stop)
            let change = try #require(try await fixture.heldChanges().first)
            #expect(try await fixture.send("POST", "/v1/guard/\(change)/refuse", as: .manage).status == 200)
            _ = try await fixture.pool.query(
                "UPDATE guard_changes SET decided_at = now() - interval '91 days' WHERE change = \(change)"
            )
            _ = try await fixture.pool.pipeline(GuardDueStatements.tend)
            #expect(try await fixture.count("SELECT count(*) AS count FROM guard_changes") == 0)
            #expect(try await look(fixture, .stop).step == .refused)
            #expect(try await fixture.heldChanges() == [])
            #expect(try await desired(fixture) == ["running"])
        }
    }

    @Test
    func `an approval counts though those on break cannot be derived anew, and a later look does that`() async throws {
        try await withManagement { fixture in
            _ = try await look(fixture, .keep)
            try await addOnBreak(fixture, seven)
            try await live(fixture, ["stop"])
            _ = try await look(fixture, .stop)
            let change = try #require(try await fixture.heldChanges().first)
            try await fixture.asOwner([
                """
                CREATE FUNCTION refuse_states() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN RAISE EXCEPTION 'out of order'; END
                $$
                """,
                """
                CREATE TRIGGER agent_states_refuse BEFORE UPDATE ON agent_states
                FOR EACH ROW EXECUTE FUNCTION refuse_states()
                """,
            ])
            let approve = "/v1/guard/\(change)/approve"
            #expect(try await fixture.send("POST", approve, as: .manage).status == 200)
            #expect(try await fixture.send("POST", approve, as: .manage).status == 409)
            #expect(try await inForce(fixture) == "stop")
            await #expect(throws: PQError.self) { try await look(fixture, .stop) }
            try await fixture.asOwner(["DROP TRIGGER agent_states_refuse ON agent_states"])
            #expect(try await look(fixture, .stop).step == .inForce)
            #expect(try await desired(fixture) == ["stopped"])
        }
    }

    @Test
    func `none is in force while replicas of an earlier release live, which do not say theirs`() async throws {
        try await withManagement { fixture in
            var policy = fixture.dependencies.policy
            policy.breakAction = .stop
            for others in [[nil], []] as [[String?]] {
                try await live(fixture, ["stop"] + others, late: others.isEmpty ? [nil] : [])
                try await SettingDesk.begin(policy, pool: fixture.pool)
                let (step, mayChange) = try await look(fixture, .stop)
                #expect(step == .unsettled && mayChange)
                #expect(try await inForce(fixture) == nil)
            }
            // The last of them is gone.
            try await live(fixture, ["stop"])
            #expect(try await look(fixture, .stop).step == .inForce)
            #expect(try await inForce(fixture) == "stop")
        }
    }

    @Test
    func `what replicas of an earlier release made of a break is in force`() async throws {
        try await withManagement { fixture in
            try await live(fixture, ["stop", nil])
            #expect(try await look(fixture, .stop).step == .unsettled)
            try await addOnBreak(fixture, ["a1"])
            #expect(try await look(fixture, .stop).step == .disagreed)
            #expect(try await inForce(fixture) == "keep")
            try await live(fixture, ["stop"])
            #expect(try await look(fixture, .stop).step == .inForce)
            #expect(try await desired(fixture) == ["stopped"])
        }
    }
}
