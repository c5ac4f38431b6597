import Domain
import LibPQ
import Testing

@testable import Service

/// What a dry run says of the guard is what the import then meets.
@Suite("Guard: a dry run", .timeLimit(.minutes(3)))
struct GuardForecastTests {
    private func dryRun(_ fixture: ManagementFixture, _ text: String) async throws -> AgentImport.Report {
        try await AgentImport(fixture.dependencies.directory)
            .run(AgentImportFile(parsing: text.utf8), isDryRun: true, author: "hr")
    }

    /// The tables that an import writes to.
    private func rows(_ fixture: ManagementFixture) async throws -> [Int64] {
        var counts: [Int64] = []
        for table: PQStatement in [
            "SELECT count(*) AS count FROM agents", "SELECT count(*) AS count FROM instances",
            "SELECT count(*) AS count FROM guard_changes", "SELECT count(*) AS count FROM guard_items",
            "SELECT count(*) AS count FROM desired_changes", "SELECT count(*) AS count FROM audit",
            "SELECT count(*) AS count FROM incidents",
        ] { counts.append(try await fixture.count(table)) }
        return counts
    }

    @Test
    func `it says what would be held, of how many sessions else would be desired, and the limit`() async throws {
        try await withManagement { fixture in
            let agents = (1...7).map { "a\($0)" }
            try await fixture.addOnShift(agents)
            let file = fixture.fileOfSessions(agents, prefix: "new")
            let before = try await rows(fixture)
            let dry = try #require(try await dryRun(fixture, file).forecast)
            #expect(try await rows(fixture) == before)
            let real = try await fixture.importFile(file)
            #expect(real.forecast == nil)
            #expect(dry.wouldHold && dry.heldCount == real.heldCount && dry.held == real.held)
            let change = try #require(real.heldChange)
            let shown = try await fixture.send("GET", "/v1/guard/\(change)").json()
            #expect(shown["affected"] as? Int == Int(dry.changing))
            // Each of seven agents would leave one session and get another.
            #expect(dry.changing == 14 && dry.limit == 5 && dry.recent == 0)
        }
    }

    @Test
    func `what passed lately counts, and what changes nothing that is desired is not held`() async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(["a1", "a2", "a3", "a4", "a5"], withSession: false)
            #expect(try await fixture.importFile(fixture.fileOfSessions(["a1", "a2"], prefix: "i")).heldCount == 0)
            let few = try #require(try await dryRun(fixture, fixture.fileOfSessions(["a3"], prefix: "i")).forecast)
            #expect(!few.wouldHold && few.changing == 1 && few.recent == 2 && few.limit == 5)
            _ = try await fixture.importFile(fixture.fileOfSessions(["a3"], prefix: "i"))
            try await fixture.addOnShift(["a6"], withSession: false)
            let many = try #require(
                try await dryRun(fixture, fixture.fileOfSessions(["a4", "a5", "a6"], prefix: "i")).forecast
            )
            #expect(many.wouldHold && many.held == ["a4", "a5", "a6"] && many.changing == 3 && many.recent == 3)
            let named = try #require(try await dryRun(fixture, "agent_id,name\na1,Ana\nb1,Bo\n").forecast)
            #expect(!named.wouldHold && named.changing == 0)
        }
    }

    @Test
    func `portions of a long file count together`() async throws {
        try await withManagement { fixture in
            let agents = ["a1", "a2", "a3", "z1", "z2", "z3"]
            try await fixture.addOnShift(agents, withSession: false)
            // More than one transaction's worth between the first three and the last three.
            let others = (1...600).map { "m\($0),,\n" }.joined()
            let file =
                "agent_id,engine,instance_id\n" + agents.prefix(3).map { "\($0),main,i-\($0)\n" }.joined() + others
                + agents.suffix(3).map { "\($0),main,i-\($0)\n" }.joined()
            let dry = try #require(try await dryRun(fixture, file).forecast)
            let real = try await fixture.importFile(file)
            #expect(dry.changing == 6 && dry.heldCount == real.heldCount && dry.held == real.held)
            // What is too much waits as a whole, also that which a portion by itself would let pass.
            #expect(dry.held == agents)
        }
    }

    @Test
    func `a long file is judged by the fleet that there is afterwards`() async throws {
        try await withManagement { fixture in
            let agents = (1...900).map { "n\($0)" }
            // More than a tenth of the first portion, less than a tenth of all.
            for agent in agents.prefix(60) {
                try await fixture.addEvent(.clockIn, of: agent, ago: .seconds(3600), matched: false)
            }
            let file = fixture.fileOfSessions(agents, prefix: "i")
            let dry = try #require(try await dryRun(fixture, file).forecast)
            #expect(!dry.wouldHold && dry.changing == 60 && dry.limit == 90)
            let real = try await fixture.importFile(file)
            #expect(real.added == 900 && real.heldCount == 0)
            #expect(try await fixture.count("SELECT count(*) AS count FROM agent_states WHERE desired = 1") == 60)
        }
    }

    @Test
    func `what of a long file waits already counts`() async throws {
        try await withManagement { fixture in
            let agents = ["a1", "a2", "a3", "a4", "a5", "a6", "z1"]
            try await fixture.addOnShift(agents, withSession: false)
            let first = try await fixture.importFile(fixture.fileOfSessions(Array(agents.prefix(6)), prefix: "i"))
            #expect(first.heldCount == 6)
            let others = (1...600).map { "m\($0),,\n" }.joined()
            let file =
                "agent_id,engine,instance_id\n" + agents.prefix(6).map { "\($0),main,i-\($0)\n" }.joined() + others
                + "z1,main,i-z1\n"
            let dry = try #require(try await dryRun(fixture, file).forecast)
            let real = try await fixture.importFile(file)
            #expect(dry.held == agents && real.held == agents)
            #expect(try await fixture.session(of: "z1") == nil)
        }
    }

    @Test
    func `a file with a fault is not judged`() async throws {
        try await withManagement { fixture in
            let report = try await dryRun(fixture, "agent_id,engine,instance_id\na1,nope,i\n")
            #expect(report.forecast == nil)
        }
    }
}
