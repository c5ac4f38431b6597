import Domain
import EngineSimulator
import LibPQ
import Testing

/// What befalls a session while its agent is on shift, and what only looks like it.
@Suite("Mishaps", .timeLimit(.minutes(2)))
struct MishapTests {
    @Test
    func `a session that boots for too long is restarted, and the reason is told`() async throws {
        try await withRunningService {
            $0.policy.startingTimeout = .seconds(1)
        } _: { service in
            try await service.add("ana")
            try await service.engine.fault(.stuckStarting, count: 1)
            try await service.clock("clock-in", "ana")
            try await service.until("ana") { $0.observed == "WORKING" && $0.condition == "converged" }
            #expect(try await service.engine.commands() == ["start", "restart"])
            #expect(try await service.explain("ana").commands.first?.reason == "stuck_restart")
        }
    }

    @Test
    func `a session that never comes up is restarted within its budget, and can still be stopped`() async throws {
        try await withRunningService {
            $0.policy.startingTimeout = .seconds(1)
        } _: { service in
            try await service.add("ana")
            try await service.engine.fault(.stuckStarting)
            #expect(try await service.clock("clock-in", "ana", wait: 30).status == 202)
            let ana = try await service.until("ana") { $0.condition == "needs_attention" }
            #expect(ana.reason == "restart_budget_used" && ana.observed == "STARTING")
            try await service.sweep()
            #expect(try await service.engine.commands() == ["start", "restart", "restart"])
            #expect(try await service.clock("clock-out", "ana", wait: 30).status == 200)
            #expect(try await service.engine.status(of: "i-ana") == "STOPPED")
            #expect(try await service.engine.commands() == ["start", "restart", "restart", "stop"])
        }
    }

    @Test
    func `a row that cannot be written keeps nobody else's outcome from being written`() async throws {
        try await withRunningService { service in
            let agents = (1...12).map { "a\($0)" }
            try await service.engine.put(agents.map { "i-\($0)" })
            for agent in agents { try await service.put(agent) }
            for agent in agents { try await service.until(agent) { $0.condition == "converged" } }
            try await service.owner.withConnection { try await $0.simpleQuery(Self.refuseOutcome) }
            // All of them end at about the same time, so they are written together.
            try await service.engine.fault(.slow, on: [.start], params: #"{"ms":\#(1000 * ServiceSetup.speed)}"#)
            for agent in agents { try await service.clock("clock-in", agent) }
            for agent in agents.dropFirst() {
                try await service.until(agent, within: .seconds(5)) {
                    $0.observed == "WORKING" && $0.condition == "converged"
                }
            }
            let written = try await service.count("SELECT count(*) AS count FROM commands WHERE verdict = 'ok'")
            #expect(written == agents.count - 1)
        }
    }

    /// What became of the first session's command is refused.
    private static let refuseOutcome = """
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.command_verdict = 'ok' AND NEW.instance = (SELECT min(instance) FROM instances) THEN
                RAISE EXCEPTION 'refused';
            END IF;
            RETURN NEW;
        END
        $$;
        CREATE TRIGGER refuse BEFORE UPDATE ON observed_states FOR EACH ROW EXECUTE FUNCTION refuse()
        """

    @Test
    func `a session that vanishes needs somebody, nothing is sent, and it is started once it is back`() async throws {
        try await withRunningService { service in
            try await service.add("ana")
            #expect(try await service.clock("clock-in", "ana", wait: 30).status == 200)
            try await service.engine.fault(.vanish, ["i-ana"])
            try await service.sweep()
            try await service.until("ana") { $0.condition == "needs_attention" && $0.reason == "session_missing" }
            try await service.sweep()
            #expect(try await service.engine.commands() == ["start"])
            try await service.engine.put(["i-ana"])
            try await service.sweep()
            try await service.until("ana") { $0.observed == "WORKING" && $0.condition == "converged" }
            #expect(try await service.engine.commands() == ["start", "start"])
        }
    }

    @Test
    func `a session that loses its pairing needs a scan, and nothing is sent`() async throws {
        try await withRunningService { service in
            try await service.add("ana")
            #expect(try await service.clock("clock-in", "ana", wait: 30).status == 200)
            try await service.engine.fault(.needsQR, ["i-ana"])
            try await service.sweep()
            let ana = try await service.until("ana") { $0.condition == "needs_pairing" }
            #expect(ana.observed == "SCAN_QR_CODE" && ana.reason == "pairing_required")
            try await service.engine.scan()
            try await service.sweep()
            try await service.until("ana") { $0.observed == "WORKING" && $0.condition == "converged" }
            #expect(try await service.engine.commands() == ["start"])
        }
    }

    @Test
    func `a session that fails is restarted, and the reason is told`() async throws {
        try await withRunningService { service in
            try await service.add("ana")
            #expect(try await service.clock("clock-in", "ana", wait: 30).status == 200)
            try await service.engine.fault(.failed, ["i-ana"], count: 1)
            #expect(try await service.engine.status(of: "i-ana") == "FAILED")
            try await service.sweep()
            try await service.until("ana") { $0.observed == "WORKING" && $0.condition == "converged" }
            #expect(try await service.engine.commands() == ["start", "restart"])
            #expect(try await service.explain("ana").commands.first?.reason == "failed_restart")
        }
    }

    @Test
    func `a session that boots again by itself is waited for`() async throws {
        try await withRunningService {
            $0.engine.bootTime = .seconds(20) ... .seconds(20)
        } _: { service in
            try await service.add("ana")
            #expect(try await service.clock("clock-in", "ana", wait: 30).status == 200)
            try await service.engine.fault(.selfRestart, ["i-ana"])
            try await service.sweep()
            try await service.until("ana") { $0.observed == "WORKING" && $0.condition == "converged" }
            #expect(try await service.engine.commands() == ["start"])
        }
    }

    @Test(arguments: [FaultScene.errors, .outage, .refusal])
    func `reads that fail stop nothing and start nothing`(scene: FaultScene) async throws {
        try await withRunningService { service in
            try await service.add("in", "out")
            #expect(try await service.clock("clock-in", "in", wait: 30).status == 200)
            try await service.until("out") { $0.condition == "converged" }
            try await scene.begin(service.engine)
            for _ in 0..<3 { #expect(try await service.sweep().unread == 2) }
            #expect(try await service.agent("in").observed == "WORKING")
            #expect(try await service.agent("out").observed == "STOPPED")
            try await service.engine.mend()
            try await service.sweep()
            for agent in ["in", "out"] { try await service.until(agent) { $0.condition == "converged" } }
            #expect(try await service.engine.commands() == ["start"])
        }
    }

    /// How reads fail.
    enum FaultScene: String, Sendable {
        case errors, outage, refusal

        func begin(_ engine: EngineWorld) async throws {
            switch self {
            case .errors: try await engine.fault(.error, on: [.info])
            case .outage: try await engine.fault(.outage)
            case .refusal: try await engine.fault(.unauthorized)
            }
        }
    }

    @Test
    func `a stop that a boot under way undoes is found out and sent again`() async throws {
        try await withRunningService {
            $0.engine.bootTime = .seconds(3600) ... .seconds(3600)
            $0.policy.undoneStopLook = .seconds(8)
        } _: { service in
            try await service.add("ana")
            try await service.engine.fault(.startWins, count: 1)
            try await service.clock("clock-in", "ana")
            try await service.until { try await service.engine.status(of: "i-ana") == "STARTING" }
            #expect(try await service.clock("clock-out", "ana", wait: 30).status == 200)
            try await service.engine.advance(3600)
            #expect(try await service.engine.status(of: "i-ana") == "WORKING")
            try await service.until { try await service.engine.commands() == ["start", "stop", "stop"] }
            try await service.until("ana") { $0.observed == "STOPPED" && $0.condition == "converged" }
            #expect(try await service.engine.status(of: "i-ana") == "STOPPED")
        }
    }

    @Test
    func `while the database hangs clock events are refused within a second, and taken once when sent again`()
        async throws
    {
        try await withRunningService { service in
            try await service.add("ana")
            let event = #"{"event_id":"e1","agent_id":"ana","kind":"clock_in"}"#
            try await service.owner.withTransaction { transaction in
                try await transaction.run(["LOCK TABLE clock_events IN EXCLUSIVE MODE"])
                var delays: [Duration] = []
                for body in [event, "[\(event)]", event] {
                    let asked = ContinuousClock.now
                    let answer = try await service.post(body)
                    delays.append(ContinuousClock.now - asked)
                    #expect(answer.status == 503, "\(answer.text)")
                    #expect(answer.headers["retry-after"] != nil)
                }
                // On a busy machine one answer may be late.
                #expect(delays.sorted()[1] < .seconds(1), "\(delays)")
            }
            try await service.until { try await service.post(event).status < 300 }
            try await service.until("ana") { $0.observed == "WORKING" && $0.condition == "converged" }
            #expect(try await service.ledgerCount() == 1)
        }
    }
}
