import LibPQ
import TestSupport
import Testing

/// A replica that has to give up accounts to another, with work under way and in line.
extension ReplicaTests {
    /// Sessions of an account: at one call a second some are in line when another replica has come up.
    private static let perAccount = 6
    /// How long a start takes: longer than a lease needs to change hands, and shorter than a yield waits.
    private static let slowStart = 3500

    private func agents(of account: String) -> [String] { (1...Self.perAccount).map { "agent-\(account)-\($0)" } }

    @Test
    func `who gives up accounts to a replica that joins writes down what is under way, and gives back what is in line`()
        async throws
    {
        var slow: [String: String] = [:]
        for account in Self.accounts {
            slow["ROLLCALL_ENGINE_\(account.uppercased())_TIMEOUT"] = "20s"
            slow["ROLLCALL_ENGINE_\(account.uppercased())_CALLS_PER_SECOND"] = "1"
        }
        try await withReplicas(1, slow) { run in
            let served = try #require(run.live.first?.served)
            let all = Self.accounts.flatMap { account in agents(of: account).map { (agent: $0, account: account) } }
            for (agent, account) in all {
                let instance = #"{"engine":"\#(account)","instance_id":"i-\#(agent)"}"#
                let answer = try await served.send("PUT", "/v1/agents/\(agent)", json: #"{"instance":\#(instance)}"#)
                try #require(answer.status == 201)
                try await run.engine.fault("slow", on: "start", of: "i-\(agent)", milliseconds: Self.slowStart)
            }
            for (agent, _) in all { try await served.until(agent) { $0.observed == "STOPPED" } }
            try await spread(run, over: [6])

            #expect(try await clockAll("clock_in", all.map(\.agent), served).status == 202)
            try await run.until("each account has a start under way") {
                let starts = try await run.engine.calls().filter { $0.operation == "start" }
                return Self.accounts.allSatisfy { account in
                    starts.contains { $0.instanceId.hasPrefix("i-agent-\(account)-") }
                }
            }
            let joining = try run.begin(settings(run).merging(slow) { _, new in new })
            try await run.listen(joining)
            try await spread(run, over: [3, 3])
            // Of those that changed hands nothing is open that the first had begun, but for what was resolved by then.
            let open: PQStatement = """
                SELECT count(*) AS count
                FROM commands c
                JOIN engine_leases l ON l.account = c.account
                WHERE l.term > 1 AND c.term < l.term AND c.ended_at IS NULL
                """
            #expect(try await count(run, open) == 0)
            #expect(try await count(run, passed("ok")) >= 1, "some were under way")
            #expect(try await count(run, passed("notSent")) >= 1, "others were in line")
            for line in run.replicas[0].process.output.split(separator: "\n") {
                #expect(!line.contains("after its lease had run out"))
                if line.contains("lease lost, passes dropped") { #expect(LogLine(line)?.metadata["outcomes"] == "0") }
            }
            for (agent, _) in all { try await served.until(agent) { $0.observed == "WORKING" } }

            // One call a second and account, whoever had its lease: a start that was under way with the first counts with those
            // of the second.
            let log = try await run.engine.calls()
            for account in Self.accounts {
                let pace = CallPace(log: log, instances: Set(agents(of: account).map { "i-\($0)" }))
                #expect(pace.calls.count > Self.perAccount && pace.most(within: CallPace.second) == 1, "\(account)")
            }

            // What was taken back has another term than what was held all the while.
            try await run.stop(joining)
            try await spread(run, over: [6])
            #expect(try await clockAll("clock_out", all.map(\.agent), served).status == 202)
            try await run.until("stops are decided on") {
                try await self.count(run, "SELECT count(DISTINCT instance) AS count FROM commands WHERE action = 2")
                    == Int64(all.count)
            }
            let terms: PQStatement = """
                SELECT count(*) AS count
                FROM commands c
                JOIN engine_leases l ON l.account = c.account
                WHERE c.action = 2 AND c.term <> l.term
                """
            #expect(try await count(run, terms) == 0, "each is noted under its own account's term")
        }
    }

    /// Counts the commands of accounts that changed hands whose verdict it was before that.
    private func passed(_ verdict: String) -> PQStatement {
        """
        SELECT count(*) AS count
        FROM commands c
        JOIN engine_leases l ON l.account = c.account
        WHERE l.term > 1 AND c.term < l.term AND c.verdict = \(verdict)
        """
    }

    /// One request for all of them, so that one batch has commands of several accounts.
    private func clockAll(_ kind: String, _ agents: [String], _ served: Served) async throws -> Answer {
        let events = agents.map { #"{"event_id":"\#(kind)-\#($0)","agent_id":"\#($0)","kind":"\#(kind)"}"# }
        return try await served.post("[\(events.joined(separator: ","))]")
    }

    private func count(_ run: FaultRun, _ statement: PQStatement) async throws -> Int64 {
        try await run.installation.owner.query(statement)[0].column("count", as: Int64.self)
    }
}
