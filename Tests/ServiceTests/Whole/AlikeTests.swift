import Domain
import EngineSimulator
import Engines
import LibPQ
import Testing

@testable import Service

/// Many sessions that fail alike are one incident of their engine account.
@Suite("Failing alike", .timeLimit(.minutes(5)))
struct AlikeTests {
    private func openIncidents(_ service: RunningService) async throws -> [String] {
        let incidents: IncidentsView = try await service.send("GET", "/v1/incidents").decoded()
        return incidents.items.filter { $0.closedAt == nil }.map(\.kind)
    }

    /// As when another takes over, who begins with what is stored.
    private func changeHands(_ service: RunningService) async throws {
        _ = try await service.owner.query("UPDATE engine_leases SET holder = NULL")
        try await service.until { try await service.count(Self.held) == 1 }
    }

    private static let held: PQStatement =
        "SELECT count(*) AS count FROM engine_leases l JOIN replicas r ON r.replica = l.holder"

    /// Waits until the incident is over, which was the only one.
    private func untilOver(_ service: RunningService) async throws {
        try await service.until(within: .seconds(90)) {
            try await service.sweep()
            return try await openIncidents(service).isEmpty
        }
        let after: IncidentsView = try await service.send("GET", "/v1/incidents").decoded()
        #expect(after.items.count == 1)
    }

    /// Runs a service that knows as many agents as make an incident and two more, each with a session that reads so.
    private func withMany(
        _ reading: String = "STOPPED",
        _ prepare: @Sendable (inout ServiceSetup) -> Void = { _ in },
        _ body: @escaping @Sendable (RunningService, _ agents: [String], _ instances: [String]) async throws -> Void
    ) async throws {
        try await withRunningService { setup in
            setup.policy.alikeLook = .milliseconds(300)
            setup.policy.alikeCalm = Self.calm
            prepare(&setup)
        } _: { service in
            let agents = (1...RestartGate.stormLimit + 2).map { "a\($0)" }
            let instances = agents.map { "i-\($0)" }
            try await service.engine.put(instances, reading)
            for agent in agents {
                try await service.put(agent)
                if reading == "WORKING" { try await service.clock("clock-in", agent) }
            }
            for agent in agents { try await service.until(agent) { $0.condition == "converged" } }
            try await body(service, agents, instances)
        }
    }

    private static let calm: Duration = .seconds(3)

    @Test
    func `many that fail alike are one incident, restarts go gently, and it is over by itself`() async throws {
        try await withRunningService { setup in
            setup.policy.alikeLook = .milliseconds(300)
            setup.policy.alikeCalm = Self.calm
            setup.policy.restartSpacing = .zero
            // Restarts are bounded by the gate alone.
            setup.policy.restartLimit = 1_000
        } _: { service in
            let agents = (1...24).map { "a\($0)" }
            try await service.engine.put(agents.map { "i-\($0)" })
            for agent in agents { try await service.put(agent) }
            try await service.engine.fault(.failed)
            for agent in agents { try await service.clock("clock-in", agent) }
            try await service.until { try await openIncidents(service) == ["sessions_failing"] }
            try await service.until { try await service.count(Self.waiting) >= 20 }
            let incident: IncidentsView = try await service.send("GET", "/v1/incidents").decoded()
            #expect(incident.items.count == 1)
            let began = try await service.engine.calls().last?.number ?? 0
            // What people say meanwhile lets nobody's session go first.
            for agent in agents { try await service.clock("break-start", agent) }
            let soon = try await service.engine.commands(since: began).filter { $0 == "restart" }
            #expect(soon.count < agents.count / 4)
            try await service.pause(3)
            // Without the gate each would be restarted several times in that while.
            let restarts = try await service.engine.commands(since: began).filter { $0 == "restart" }
            #expect(restarts.count < agents.count)

            try await service.engine.mend()
            for agent in agents {
                try await service.until(agent, within: .seconds(90)) {
                    $0.observed == "WORKING" && $0.condition == "converged"
                }
            }
            try await untilOver(service)
        }
    }

    @Test(arguments: [0, 2])
    func `many that fail are one incident with few restarts or none, through a change of hands, until they work`(
        restartLimit: Int
    ) async throws {
        try await withMany {
            $0.policy.restartLimit = restartLimit
        } _: { service, agents, all in
            try await service.engine.fault(.failed)
            for agent in agents { try await service.clock("clock-in", agent) }
            try await service.until { try await openIncidents(service) == ["sessions_failing"] }
            if restartLimit == 0 {
                try await service.until { try await service.count(Self.spent) == agents.count }
                #expect(try await service.engine.commands().allSatisfy { $0 == "start" })
            }
            try await changeHands(service)
            // Longer than calm would take to end it.
            for _ in 0..<Int(Self.calm.inSeconds) + 3 where restartLimit == 0 {
                try await service.pause(1)
                try await service.sweep()
                #expect(try await openIncidents(service) == ["sessions_failing"])
            }
            try await service.engine.mend()
            try await service.engine.put(all, "WORKING")
            try await untilOver(service)
        }
    }

    private static let spent: PQStatement =
        "SELECT count(*) AS count FROM observed_states WHERE reason = 'restart_budget_used'"

    @Test
    func `many refused starts are one incident, through a change of hands, until nobody wants them`() async throws {
        try await withMany { service, agents, _ in
            try await service.engine.fault(.error, on: [.start], params: #"{"http_status":403}"#)
            for agent in agents { try await service.clock("clock-in", agent) }
            try await service.until { try await openIncidents(service) == ["commands_refused"] }
            try await service.until { try await service.count(Self.refused) == agents.count }
            let counted = try await service.send("GET", "/v1/incidents").items().first?["agents"] as? Int
            #expect(counted == agents.count)
            try await changeHands(service)
            for _ in 0..<2 { try await service.sweep() }
            #expect(try await openIncidents(service) == ["commands_refused"])

            // Nobody wants them started any more, which no pass finds.
            for agent in agents { try await service.clock("clock-out", agent) }
            for agent in agents { try await service.until(agent) { $0.condition == "converged" } }
            try await untilOver(service)
        }
    }

    private static let refused: PQStatement =
        "SELECT count(*) AS count FROM observed_states WHERE attention = 5 AND reason IN ('start_refused', 'should_run')"

    private static let waiting: PQStatement =
        "SELECT count(*) AS count FROM observed_states WHERE reason = 'failing_alike'"

    /// Kinds of incident, and what befalls sessions; `nil` for a word that nobody knows.
    private static let troubles: [(IncidentKind, FaultKind?)] = [
        (.sessionsLoggedOut, .needsQR), (.sessionsUnknown, .vanish), (.sessionsSuspect, .dead), (.wordsUnknown, nil),
    ]

    @Test(arguments: troubles)
    func `many that somebody has to see to are one incident, through a change of hands, until they are right again`(
        kind: IncidentKind,
        fault: FaultKind?
    ) async throws {
        try await withMany("WORKING") { service, agents, all in
            let began = try await service.engine.calls().last?.number ?? 0
            if let fault {
                try await service.engine.fault(fault, all)
            } else {
                try await service.engine.put(all, "PASSKEY_REQUIRED")
            }
            try await service.sweep()
            try await service.until { try await openIncidents(service) == [kind.rawValue] }
            let counted = try await service.send("GET", "/v1/incidents").items().first?["agents"] as? Int
            #expect(counted == agents.count)
            // It neither ends nor begins anew.
            try await changeHands(service)
            for _ in 0..<2 { try await service.sweep() }
            #expect(try await openIncidents(service) == [kind.rawValue])
            #expect(try await service.engine.commands(since: began).isEmpty, "nothing is called for them")

            try await service.engine.mend()
            try await service.engine.put(all, "WORKING")
            try await untilOver(service)
        }
    }

    @Test
    func `many that go down again and again are one incident, through a change of hands, until nobody wants them`()
        async throws
    {
        try await withMany("WORKING") {
            // The second fall is one too many, and the next start far away.
            $0.policy.fallLimit = 1
            $0.policy.firstFallDelay = .seconds(600)
            $0.policy.longestRetry = .seconds(600)
        } _: { service, agents, all in
            try await service.engine.fault(.selfStop, all)
            try await service.sweep()
            for agent in agents {
                try await service.until(agent) { $0.observed == "WORKING" && $0.condition == "converged" }
            }
            #expect(try await openIncidents(service).isEmpty)
            try await service.engine.fault(.selfStop, all)
            try await service.sweep()
            try await service.until { try await openIncidents(service) == ["sessions_keep_falling"] }
            let counted = try await service.send("GET", "/v1/incidents").items().first?["agents"] as? Int
            #expect(counted == agents.count)
            try await changeHands(service)
            for _ in 0..<2 { try await service.sweep() }
            #expect(try await openIncidents(service) == ["sessions_keep_falling"])

            for agent in agents { try await service.clock("clock-out", agent) }
            for agent in agents { try await service.until(agent) { $0.condition == "converged" } }
            try await untilOver(service)
        }
    }

    @Test
    func
        `many that were logged out are still one incident when their codes have run out, and nothing is called for them`()
        async throws
    {
        try await withMany("WORKING") {
            $0.engineKind = .waha
            $0.engine.speed = 1
            $0.policy.pairingLook = .milliseconds(200)
        } _: { service, agents, all in
            let began = try await service.engine.calls().last?.number ?? 0
            try await service.engine.fault(.needsQR, all)
            try await service.sweep()
            try await service.until { try await openIncidents(service) == ["sessions_logged_out"] }
            try await service.engine.advance(160)
            for agent in agents {
                try await service.until(agent) { $0.observed == "FAILED" && $0.condition == "needs_pairing" }
            }
            try await changeHands(service)
            for _ in 0..<2 { try await service.sweep() }
            let incidents: IncidentsView = try await service.send("GET", "/v1/incidents").decoded()
            #expect(incidents.items.map(\.kind) == ["sessions_logged_out"] && incidents.items[0].closedAt == nil)
            #expect(try await service.engine.commands(since: began).isEmpty)
        }
    }

    @Test
    func `who gets the lease closes an incident that another raised`() async throws {
        try await withRunningService { service in
            try await service.add("ana")
            try await service.until("ana") { $0.condition == "converged" }
            // As if another replica had raised them and were gone.
            _ = try await service.owner.pipeline([
                """
                INSERT INTO incidents (account, kind)
                SELECT e.account, k
                FROM engine_accounts e
                CROSS JOIN unnest(ARRAY['account_refused', 'engine_outage']) AS k
                WHERE e.name = 'main'
                """,
                "UPDATE engine_leases SET holder = NULL",
            ])
            try await service.until {
                try await service.sweep()
                return try await openIncidents(service).isEmpty
            }
        }
    }

    @Test
    func `an incident says how many the list shows as exceptions, those among them of whom nothing fresh is known`()
        async throws
    {
        try await withManagement { fixture in
            for agent in ["a1", "a2", "a3"] {
                try await fixture.addAgent(agent)
                try await fixture.observe(agent, "STOPPED")
            }
            _ = try await fixture.pool.query(
                "INSERT INTO incidents (account, kind) SELECT account, 'engine_outage' FROM engine_accounts"
            )
            #expect(try await fixture.send("GET", "/v1/incidents").items().first?["agents"] as? Int == 0)
            try await fixture.observe("a1", "STOPPED", .needsAttention, reason: .stopRefused)
            try await fixture.observe("a2", "STOPPED", ago: .seconds(7200))
            #expect(try await fixture.send("GET", "/v1/incidents").items().first?["agents"] as? Int == 2)
            _ = try await fixture.pool.query("UPDATE incidents SET closed_at = now()")
            #expect(try await fixture.send("GET", "/v1/incidents").items().first?["agents"] as? Int == 0)
        }
    }
}
