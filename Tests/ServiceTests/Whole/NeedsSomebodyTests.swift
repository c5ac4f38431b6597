import Domain
import EngineSimulator
import LibPQ
import Service
import Testing

/// What only a person can mend: shown, and not made worse.
@Suite("Needs somebody", .timeLimit(.minutes(2)))
struct NeedsSomebodyTests {
    @Test
    func `a session that keeps failing is restarted within its budget, and then somebody is needed`() async throws {
        try await withRunningService { service in
            try await service.add("ana")
            try await service.engine.fault(.failed)
            #expect(try await service.clock("clock-in", "ana", wait: 30).status == 202)
            let ana = try await service.until("ana") { $0.condition == "needs_attention" }
            #expect(ana.reason == "restart_budget_used" && ana.observed == "FAILED")
            #expect(try await service.engine.commands() == ["start", "restart", "restart"])
            try await service.sweep()
            try await service.sweep()
            #expect(try await service.engine.commands() == ["start", "restart", "restart"])

            try await service.engine.mend()
            #expect(try await service.send("POST", "/v1/agents/ana/reconcile").status == 202)
            try await service.until("ana") { $0.observed == "WORKING" && $0.condition == "converged" }
            #expect(try await service.engine.commands() == ["start", "restart", "restart", "restart"])
        }
    }

    @Test
    func `a failed session of an agent who is away gets one stop and then counts as stopped`() async throws {
        try await withRunningService { service in
            try await service.add("ana", session: "FAILED")
            try await service.engine.fault(.lying200, on: [.stop])
            try await service.until("ana") { $0.condition == "converged" }
            let ana = try await service.agent("ana")
            #expect(ana.observed == "FAILED" && ana.reason == "failed_counts_as_stopped")
            try await service.sweep()
            try await service.sweep()
            #expect(try await service.engine.commands() == ["stop"])
        }
    }

    @Test
    func `a session that is not linked waits for its scan without any command`() async throws {
        try await withRunningService { service in
            try await service.add("ana", session: nil)
            try await service.engine.put(["i-ana"], "STOPPED", isPaired: false)
            let answer = try await service.clock("clock-in", "ana", wait: 30)
            #expect(answer.status == 202, "it cannot come without a person")
            let ana = try await service.agent("ana")
            #expect(ana.condition == "needs_pairing" && ana.observed == "SCAN_QR_CODE")
            try await service.sweep()
            try await service.sweep()
            #expect(try await service.engine.commands() == ["start"])
            try await service.engine.scan()
            try await service.sweep()
            try await service.until("ana") { $0.observed == "WORKING" && $0.condition == "converged" }
            #expect(try await service.engine.commands() == ["start"])
        }
    }

    @Test
    func `a session the engine does not know needs somebody on shift, and nothing is sent`() async throws {
        try await withRunningService { service in
            try await service.add("ana", session: nil)
            #expect(try await service.clock("clock-in", "ana", wait: 30).status == 202)
            let onShift = try await service.until("ana") { $0.condition == "needs_attention" }
            #expect(onShift.reason == "session_missing")
            try await service.sweep()
            #expect(try await service.clock("clock-out", "ana", wait: 30).status == 200)
            let offShift = try await service.agent("ana")
            #expect(offShift.condition == "converged" && offShift.reason == "missing_off_shift")
            try await service.sweep()
            #expect(try await service.engine.commands().isEmpty)
            #expect(try await service.engine.calls().isEmpty == false)
        }
    }

    @Test
    func `a word nobody knows is shown as it is and never acted on`() async throws {
        try await withRunningService { service in
            try await service.add("ana", session: "HIBERNATING")
            #expect(try await service.clock("clock-in", "ana", wait: 2).status == 202)
            let ana = try await service.until("ana") { $0.observed == "HIBERNATING" }
            #expect(ana.condition == "unknown" && ana.reason == "unknown_word")
            try await service.clock("clock-out", "ana")
            try await service.sweep()
            #expect(try await service.engine.commands().isEmpty)
        }
    }

    @Test
    func `a refused credential is one incident without a storm of calls, and is over once it is mended`() async throws {
        try await withRunningService { service in
            let agents = (1...12).map { "a\($0)" }
            try await service.engine.put(agents.map { "i-\($0)" })
            for agent in agents { try await service.put(agent) }
            for agent in agents { try await service.until(agent) { $0.condition == "converged" } }
            try await service.engine.fault(.unauthorized)
            let before = try await service.engine.calls().count
            for agent in agents { try await service.clock("clock-in", agent) }
            try await service.until { try await openIncidents(service) == ["account_refused"] }
            try await service.until(agents[0]) { $0.reason == "account_refused" && $0.condition == "needs_attention" }
            for agent in agents {
                try await service.clock("clock-out", agent)
                try await service.clock("clock-in", agent)
            }
            // Everybody keeps the place in line, and nothing can be done about anybody.
            try await service.until {
                try await service.count(
                    """
                    SELECT count(*) AS count FROM reconcile_queue
                    JOIN observed_states USING (instance) WHERE reason = \(Reason.accountRefused.rawValue)
                    """
                ) == agents.count
            }
            // Those that were under way when the first answer came, and no more.
            #expect(try await service.engine.calls(since: before).count <= agents.count)
            #expect(try await service.send("GET", "/v1/incidents").decoded(as: IncidentsView.self).items.count == 1)

            try await service.engine.mend()
            try await service.sweep()
            for agent in agents {
                try await service.until(agent) { $0.observed == "WORKING" && $0.condition == "converged" }
            }
            try await service.until { try await openIncidents(service).isEmpty }
            #expect(try await service.send("GET", "/v1/incidents").decoded(as: IncidentsView.self).items.count == 1)
        }
    }

    @Test
    func `a credential that is mended is noticed although the sessions asked first cannot be read`() async throws {
        try await withRunningService {
            $0.sweep.probe = .seconds(1)
        } _: { service in
            try await service.add("a1", "a2", "a3")
            for agent in ["a1", "a2", "a3"] {
                #expect(try await service.clock("clock-in", agent, wait: 30).status == 200)
            }
            try await service.engine.fault(.unauthorized)
            try await service.clock("clock-out", "a3")
            try await service.until { try await openIncidents(service) == ["account_refused"] }
            try await service.engine.mend()
            try await service.engine.fault(.error, ["i-a1", "i-a2"], on: [.info], params: #"{"http_status":500}"#)
            try await service.until { try await openIncidents(service).isEmpty }
            try await service.until("a3") { $0.observed == "STOPPED" && $0.condition == "converged" }
        }
    }

    private func openIncidents(_ service: RunningService) async throws -> [String] {
        let incidents: IncidentsView = try await service.send("GET", "/v1/incidents").decoded()
        return incidents.items.filter { $0.closedAt == nil }.map(\.kind)
    }
}
