import LibPQ
import TestSupport
import Testing

/// An account's budget and the order of its calls, with real replicas, by the engine's log of calls.
///
/// No more than the budget arrives within any second, wherever it begins.
@Suite("Budget", .timeLimit(.minutes(8)))
struct BudgetTests {
    /// Calls a second.
    static let budget = 60
    /// Who clocks in, who is off shift, who is on shift already.
    private static let burst = (1...240).map { "burst-\($0)" }
    private static let idle = (1...150).map { "idle-\($0)" }
    private static let working = (1...40).map { "working-\($0)" }

    /// How the holder ends in the middle of the burst.
    enum Ending: String, CaseIterable {
        case kill = "kill -9"
        case stop = "SIGTERM"
    }

    @Test(arguments: Ending.allCases)
    func `a burst of clock-ins during sweeps keeps the budget across a takeover, and everybody gets there`(
        ending: Ending
    ) async throws {
        try await withReplicas { run in
            let holder = try #require(run.holder(of: "main"))
            let other = try #require(run.live.first { $0.number != holder }?.served)
            let before = try await run.engine.calls().count
            let started = try await run.engine.count(of: "start")
            try await clockIn(Self.burst, at: run.replicas[holder].served ?? other)
            try await run.until("a part of the burst has left") {
                try await run.engine.count(of: "start") - started >= 60
            }
            switch ending {
            case .kill: try await run.kill(holder)
            case .stop: try await run.stop(holder)
            }
            let sent = try await run.engine.count(of: "start") - started
            #expect(sent < Self.burst.count, "it ended in the middle")
            try await arrive(run, Self.burst)
            let pace = CallPace(log: try await run.engine.calls())
            judge(pace, ending.rawValue)
            let callers = Set(try await run.engine.calls().dropFirst(before).map(\.caller))
            #expect(callers.count == 2, "both replicas acted")
            for agent in Self.burst {
                let commands = pace.calls.filter { $0.instance == "i-\(agent)" && $0.isCommand }
                // What a killed one had sent and nobody heard the answer of is looked at, not sent again.
                #expect(commands.map(\.operation) == ["start"], "\(agent)")
            }
        }
    }

    @Test
    func `what people ask for leaves before repairs, and repairs before sweeps, whichever replica was told`()
        async throws
    {
        try await withReplicas { run in
            try await clockIn(Self.working, at: try served(run))
            try await arrive(run, Self.working)
            // The sweep that finds the drift goes on with what else there is, beside that of the background.
            let beside = try await clockIn(Self.burst, run, besideDriftOf: Self.working.map { "i-\($0)" })
            try await arrive(run, Self.burst + Self.working)
            let pace = CallPace(log: try await run.engine.calls())
            judge(pace, "order")
            judge(beside, pace)
        }
    }

    func judge(_ pace: CallPace, _ what: String) {
        let most = pace.most(within: CallPace.second)
        print("\(what): of \(pace.calls.count) calls \(most) at most arrived within 1 s; the budget is \(Self.budget)")
        #expect(most <= Self.budget)
        #expect(most * 10 >= Self.budget * 8, "it was used")
    }

    private func served(_ run: FaultRun) throws -> Served { try #require(run.live.first?.served) }

    /// Clocks agents in, a hundred at a time.
    ///
    /// Returns when each was answered, by instance.
    @discardableResult
    func clockIn(_ agents: [String], at served: Served) async throws -> [String: Int64] {
        var answered: [String: Int64] = [:]
        for start in stride(from: 0, to: agents.count, by: 100) {
            let part = agents[start..<min(start + 100, agents.count)]
            let events = part.map { #"{"event_id":"in-\#($0)","agent_id":"\#($0)","kind":"clock_in"}"# }
            let answer = try await served.post("[" + events.joined(separator: ",") + "]")
            try #require(answer.status == 202, "\(answer.text)")
            for agent in part { answered["i-\(agent)"] = FaultLoad.now() }
        }
        return answered
    }

    /// Waits until agents' sessions run, and that is proved.
    func arrive(_ run: FaultRun, _ agents: [String]) async throws {
        let names = agents.map { "i-\($0)" }
        try await run.until("all sessions run", within: .seconds(120)) {
            let count = try await run.installation.count(
                """
                SELECT count(*) AS count
                FROM instances x
                JOIN observed_states o ON o.instance = x.instance
                WHERE x.instance_id = ANY (\(names)) AND o.reading = 'WORKING' AND o.condition = 'converged'
                """
            )
            guard count == Int64(agents.count) else { return false }
            let statuses = try await run.engine.statuses()
            return names.allSatisfy { statuses[$0] == "WORKING" }
        }
    }

    /// Two replicas and a fleet whose sessions were just seen stopped; sweeps go on all the time.
    private func withReplicas(_ body: (FaultRun) async throws -> Void) async throws {
        try await withInstallation(tokens: FaultRun.tokens) { installation in
            let run = FaultRun(installation)
            for _ in 0..<2 { try await run.add(Self.settings(run, accounts: ["main"])) }
            try await fill(installation, "main", Self.burst + Self.idle + Self.working)
            try await run.until("sweeps go on") { try await run.engine.calls().count > Self.budget }
            try await body(run)
        }
    }

    /// What the next replica is started with.
    static func settings(_ run: FaultRun, accounts: [String]) -> [String: String] {
        var settings = ["ROLLCALL_ENGINES": accounts.joined(separator: ","), FaultRun.onlyThese: ""]
        for account in accounts {
            let name = "ROLLCALL_ENGINE_\(account.uppercased())"
            settings["\(name)_KIND"] = "wawp"
            settings["\(name)_URL"] = "http://127.0.0.1:\(run.engine.http.port)"
            settings["\(name)_TOKEN"] = FaultRun.tokens[run.replicas.count]
            settings["\(name)_TIMEOUT"] = "3s"
            settings["\(name)_CALLS_PER_SECOND"] = "\(Self.budget)"
        }
        return settings
    }

    /// Adds agents off shift, each with a session at the account that was just seen stopped.
    func fill(_ installation: Installation, _ account: String, _ agents: [String]) async throws {
        let statements: [PQStatement] = [
            "INSERT INTO agents (agent_id, team) SELECT n, 'support' FROM unnest(\(agents)) AS n",
            "INSERT INTO agent_states (agent) SELECT agent FROM agents WHERE agent_id = ANY (\(agents))",
            """
            INSERT INTO instances (account, instance_id, agent)
            SELECT e.account, 'i-' || a.agent_id, a.agent
            FROM agents a
            JOIN engine_accounts e ON e.name = \(account)
            WHERE a.agent_id = ANY (\(agents))
            """,
            """
            INSERT INTO observed_states (instance, reading, read_at, reading_since, condition, reason)
            SELECT x.instance, 'STOPPED', now(), now(), 'converged', 'stopped'
            FROM instances x
            JOIN agents a ON a.agent = x.agent
            WHERE a.agent_id = ANY (\(agents))
            """,
        ]
        for statement in statements { _ = try await installation.owner.query(statement, timeout: .seconds(60)) }
    }
}

extension CallPace {
    /// The calls of an engine's log to these instances; `nil` for all.
    init(log: [SimulatedEngine.Call], instances: Set<String>? = nil) {
        let own = log.filter { instances?.contains($0.instanceId) ?? true }
        self.init(
            own.map { call in
                Call(
                    instance: call.instanceId,
                    operation: call.operation,
                    receivedAt: call.receivedAtUs,
                    answeredAt: call.answeredMonotonicUs.map { $0 - call.receivedMonotonicUs + call.receivedAtUs }
                )
            }
        )
    }
}
