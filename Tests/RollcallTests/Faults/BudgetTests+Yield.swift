import TestSupport
import Testing

/// A lease that its holder gives up to a replica that joins: neither ended, and both are there.
extension BudgetTests {
    private static let accounts = ["b", "c"]
    /// Who clocks in at each account, and how many of them at a time.
    private static let crowd = 420
    private static let portion = 6

    private func agents(of account: String) -> [String] { (1...Self.crowd).map { "\(account)-\($0)" } }

    /// Needs the machine for itself: two accounts at their full pace, three replicas, debug builds.
    ///
    /// Once, beside browsers, more than the budget arrived in a second, at the account that stays, too (docs/fault-suite.md).
    @Test(.enabled(if: FaultSuite.runsAll))
    func `an account that moves to a replica that joins in the middle of a burst keeps its budget`() async throws {
        try await withInstallation(tokens: FaultRun.tokens) { installation in
            let run = FaultRun(installation)
            let settings = { Self.settings(run, accounts: ["main"] + Self.accounts) }
            try await run.add(settings())
            // Who takes the events acts for none of their agents. Each time it says so to who does, that one beats at once: so
            // the two beats by which a lease is given up may follow each other within one second of calls.
            let bystander = try await run.add(Self.settings(run, accounts: ["main"]))
            let served = try #require(run.replicas[bystander].served)
            for account in Self.accounts { try await fill(installation, account, agents(of: account)) }
            try await run.until("each has its own") {
                run.holder(of: "main") == bystander && Self.accounts.allSatisfy { run.holder(of: $0) == 0 }
            }
            try await run.until("sweeps go on") { try await run.engine.calls().count > Self.budget }

            let joining = try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await burst(at: served) }
                try await run.until("the burst has begun") { try await run.engine.count(of: "start") > Self.budget }
                let joining = try run.begin(settings())
                try await run.until("an account has moved") {
                    Self.accounts.contains { run.holder(of: $0) == joining }
                }
                try await group.waitForAll()
                return joining
            }
            for account in Self.accounts { try await arrive(run, agents(of: account)) }
            try judge(try await run.engine.calls(), of: run, joining)
            let said = run.replicas[0].process.output
            #expect(said.contains(#""message":"lease laid down""#), "it was given up in order")
        }
    }

    /// Clocks everybody in, a few at each account at a time.
    private func burst(at served: Served) async throws {
        for start in stride(from: 0, to: Self.crowd, by: Self.portion) {
            for account in Self.accounts {
                let part = agents(of: account).dropFirst(start).prefix(Self.portion)
                try await clockIn(Array(part), at: served)
            }
            // The pace of the load, not a wait for something to happen.
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    private func judge(_ log: [SimulatedEngine.Call], of run: FaultRun, _ joining: Int) throws {
        let moved = try #require(Self.accounts.first { run.holder(of: $0) == joining })
        for account in Self.accounts {
            let instances = Set(agents(of: account).map { "i-\($0)" })
            judge(CallPace(log: log, instances: instances), account == moved ? "moved" : "stayed")
            let commands = log.filter { instances.contains($0.instanceId) && $0.operation != "info" }
            #expect(Set(commands.map(\.caller)) == (account == moved ? [0, joining] : [0]), "in the middle of it")
            // What waited in line was given back and is sent once, by the one or the other.
            #expect(commands.map(\.operation).allSatisfy { $0 == "start" })
            #expect(commands.map(\.instanceId).sorted() == instances.sorted())
        }
    }
}
