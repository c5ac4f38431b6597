import Domain
import LibPQ
import Testing

@testable import Service

/// Lists that take away, pass on or bring back sessions of which nothing but a list ever spoke.
@Suite("Guard: a list after a list", .timeLimit(.minutes(3)))
struct GuardListedMoveTests {
    private static let header = "agent_id,engine,instance_id\n"

    /// Which change marks a session as listed; 0 for none.
    private func mark(of instanceID: String, _ fixture: ManagementFixture) async throws -> Int64 {
        try await fixture.count(
            "SELECT coalesce(listed_by, 0) AS count FROM instances WHERE instance_id = \(instanceID)"
        )
    }

    /// Has a list bring the session `i-<agent>` of each of some agents.
    private func addListed(_ agentIDs: [String], _ fixture: ManagementFixture) async throws {
        let report = try await fixture.importFile(fixture.fileOfSessions(agentIDs, prefix: "i"))
        #expect(report.added == agentIDs.count && report.heldCount == 0)
        for agentID in agentIDs { #expect(try await mark(of: "i-\(agentID)", fixture) > 0) }
    }

    @Test
    func `a session that may run is not taken before a look has told, and one that was seen stopped is`() async throws {
        try await withManagement { fixture in
            try await addListed(["a1"], fixture)
            let report = try await fixture.importFile(fixture.fileOfSessions(["a1"], prefix: "j"))
            #expect(report.held == ["a1"])
            #expect(try await fixture.session(of: "a1") == "i-a1")
            let change = try #require(report.heldChange)
            let shown = try await fixture.send("GET", "/v1/guard/\(change)").json()
            #expect(shown["reason"] as? String == "from_listing")
            let part = try #require((shown["parts"] as? [[String: Any]])?.first)
            #expect(part["desired_before"] as? String == "running" && part["desired_after"] as? String == "stopped")
            // The session was seen stopped.
            _ = try await fixture.pool.query("UPDATE instances SET listed_by = NULL")
            #expect(try await fixture.importFile(fixture.fileOfSessions(["a1"], prefix: "k")).heldCount == 0)
            #expect(try await fixture.session(of: "a1") == "k-a1")
            #expect(try await fixture.heldChanges().isEmpty)
        }
    }

    @Test
    func `a move that nobody decides on in a day leaves the session as it was, and a removal ends one`() async throws {
        try await withManagement { fixture in
            try await addListed(["a1"], fixture)
            try await fixture.observe("a1", "WORKING", .needsAttention, reason: .listedOnly)
            let file = fixture.fileOfSessions(["a1"], prefix: "j")
            let first = try #require(try await fixture.importFile(file).heldChange)
            #expect(try await fixture.waiting(of: "a1").sorted() == ["instance", "stop"])
            _ = try await fixture.pool.query("UPDATE guard_changes SET expires_at = now() WHERE change = \(first)")
            await fixture.keeper.tend()
            #expect(try await fixture.state(of: first) == "expired")
            #expect(try await fixture.session(of: "a1") == "i-a1")
            #expect(try await mark(of: "i-a1", fixture) > 0)
            #expect(try await fixture.waiting(of: "a1") == ["stop"])
            let second = try #require(try await fixture.importFile(file).heldChange)
            #expect(second != first)
            let removal = try await fixture.send("DELETE", "/v1/agents/a1?stop=true&erase=true")
            #expect(removal.status == 202, "\(removal.text)")
            #expect(try await fixture.state(of: second) == "superseded")
        }
    }

    @Test
    func `sessions that change places within a file stay as they are, since nothing stops them`() async throws {
        try await withManagement { fixture in
            try await addListed(["a1", "b1"], fixture)
            let file = Self.header + "a1,main,i-b1\nb1,main,i-a1\n"
            let dry = try await AgentImport(fixture.dependencies.directory)
                .run(AgentImportFile(parsing: file.utf8), isDryRun: true, author: "hr")
            #expect(dry.forecast?.wouldHold == false && dry.forecast?.changing == 0)
            #expect(try await fixture.importFile(file).heldCount == 0)
            #expect(try await fixture.session(of: "a1") == "i-b1")
            for session in ["i-a1", "i-b1"] { #expect(try await mark(of: session, fixture) > 0) }
        }
    }

    @Test
    func `a session that would go to somebody who is off waits, and whoever has it waits with it`() async throws {
        try await withManagement { fixture in
            try await addListed(["a1"], fixture)
            try await fixture.addOnShift(["c1"], withSession: false)
            try await fixture.addEvent(.clockOut, of: "c1", ago: .seconds(600), matched: true)
            try await fixture.refold("c1")
            let report = try await fixture.importFile(Self.header + "a1,main,new\nc1,main,i-a1\n")
            #expect(report.held == ["a1", "c1"])
            #expect(try await fixture.session(of: "a1") == "i-a1")
            #expect(try await fixture.session(of: "c1") == nil)
            let change = try #require(report.heldChange)
            #expect(try await fixture.send("POST", "/v1/guard/\(change)/approve").status == 200)
            #expect(try await fixture.session(of: "a1") == "new")
            #expect(try await fixture.session(of: "c1") == "i-a1")
            #expect(try await mark(of: "new", fixture) > 0)
        }
    }

    @Test
    func `an administrator's edit passes, and a list that brings the session back marks it again`() async throws {
        try await withManagement { fixture in
            try await addListed(["a1"], fixture)
            #expect(try await fixture.addAgent("a1", instance: "k-a1").status == 200)
            #expect(try await fixture.session(of: "a1") == "k-a1")
            #expect(try await mark(of: "k-a1", fixture) == 0)
            // As the pass does that is to stop it.
            _ = try await fixture.pool.query("UPDATE instances SET listed_by = NULL")
            let report = try await fixture.importFile(Self.header + "b1,main,i-a1\n")
            #expect(report.added == 1 && report.heldCount == 0)
            #expect(try await fixture.session(of: "b1") == "i-a1")
            #expect(try await mark(of: "i-a1", fixture) > 0)
        }
    }
}
