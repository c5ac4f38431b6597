import Domain
import LibPQ
import Service
import Synchronization
import Testing

@Suite("AgentImport")
struct AgentImportTests {
    private static let header = "agent_id,name,team,time_zone,engine,instance_id,session_name,aliases\n"

    private func run(_ fixture: ManagementFixture, _ text: String, dry: Bool = false) async throws -> AgentImport.Report
    {
        try await AgentImport(fixture.dependencies.directory)
            .run(AgentImportFile(parsing: text.utf8), isDryRun: dry, author: "test")
    }

    @Test
    func `a file is added once, then changes only what differs, and absence removes nothing`() async throws {
        try await withManagement { fixture in
            let file =
                Self.header
                + "a1,\"Müller, \"\"Ann\"\"\",x,Europe/Madrid,main,i1,s1,hr:1;api:e:1\r\na2,B,x,UTC,main,i2,,\r\n\r\na3,C,y,,,,,\r\n"
            let dry = try await run(fixture, file, dry: true)
            #expect((dry.added, dry.changed, dry.unchanged) == (3, 0, 0))
            #expect(try await fixture.count("SELECT count(*) AS count FROM agents") == 0)
            let first = try await run(fixture, file)
            #expect((first.added, first.changed, first.unchanged) == (3, 0, 0))
            #expect(first.faults.isEmpty)
            let agent = try await fixture.send("GET", "/v1/agents/a1").json()
            #expect(agent["name"] as? String == "Müller, \"Ann\"")
            #expect(agent["time_zone"] as? String == "Europe/Madrid")
            let aliases = agent["aliases"] as? [[String: String]]
            #expect(aliases?.map { $0["external_id"] } == ["e:1", "1"])

            let again = try await run(fixture, file)
            #expect((again.added, again.changed, again.unchanged) == (0, 0, 3))
            let less = try await run(fixture, "name,agent_id\nNew,a2\n")
            #expect((less.added, less.changed, less.unchanged) == (0, 1, 0))
            let second = try await fixture.send("GET", "/v1/agents/a2").json()
            #expect(second["team"] as? String == "x")
            #expect((second["instance"] as? [String: Any])?["instance_id"] as? String == "i2")
            let nothing = try await run(fixture, Self.header)
            #expect((nothing.added, nothing.changed, nothing.unchanged) == (0, 0, 0))
            #expect(try await fixture.count("SELECT count(*) AS count FROM agents") == 3)
        }
    }

    @Test(
        arguments: [
            ("", 1, nil), ("agent_id,nope\n", 1, "nope"), ("name\nx\n", 1, "agent_id"), ("agent_id,agent_id\n", 1, nil),
            ("agent_id\na b\n", 2, "agent_id"), ("agent_id\na\n\na\n", 4, "agent_id"), ("agent_id,name\na\n", 2, nil),
            ("agent_id,name\na,\"x\ny\"\n", 2, "name"), ("agent_id,time_zone\na,Mars/X\n", 2, "time_zone"),
            ("agent_id,name\na,\"x\n", 2, nil), ("agent_id,name\na,\"x\"y\n", 2, nil),
            ("agent_id,engine,instance_id\na,main,\n", 2, "instance_id"),
            ("agent_id,engine,instance_id\na,,i\n", 2, "engine"),
            ("agent_id,engine,instance_id\na,main,i\nb,main,i\n", 3, "instance_id"),
            ("agent_id,aliases\na,hr\n", 2, "aliases"),
            ("agent_id,aliases\na,hr:1\nb,hr:1\n", 3, "aliases"),
            ("agent_id,aliases\na,hr:1;hr:1\n", 2, "aliases"),
            ("agent_id,aliases\na,hr:\n", 2, "aliases"),
            ("agent_id,aliases\na,:1\n", 2, "aliases"),
            ("agent_id,aliases\na,\"hr:1\n2\"\n", 2, "aliases"),
        ] as [(String, Int, String?)]
    )
    func `a fault is named by its line, and nothing is written`(file: String, line: Int, column: String?) async throws {
        let parsed = AgentImportFile(parsing: file.utf8)
        #expect(parsed.faults.first?.line == line)
        #expect(parsed.faults.first?.column == column)
    }

    @Test
    func `with a fault anywhere nothing is written`() async throws {
        try await withManagement { fixture in
            let report = try await run(fixture, "agent_id,team\ngood,x\nb a d,x\n")
            #expect(!report.isComplete && report.added == 0)
            #expect(try await fixture.count("SELECT count(*) AS count FROM agents") == 0)
        }
    }

    @Test
    func `what only the database refuses is named, and nothing is written`() async throws {
        try await withManagement { fixture in
            try await fixture.addAgent("owner", instance: "i1")
            let file =
                "agent_id,engine,instance_id,aliases\n"
                + "a1,main,i1,\na2,nope,i2,\na3,main,i3,\na4,main,i4,unknown:1\n"
            for dry in [true, false] {
                let report = try await run(fixture, file, dry: dry)
                #expect(report.faults.map(\.line) == [2, 3, 5])
                #expect(
                    report.faults.map(\.column) == ["instance.instance_id", "instance.engine", "aliases[0].source"]
                )
                #expect(try await fixture.count("SELECT count(*) AS count FROM agents") == 1)
            }
            let mended = try await run(fixture, "agent_id,engine,instance_id\na1,main,i2\na3,main,i3\n")
            #expect(mended.isComplete && mended.added == 2)
        }
    }

    @Test
    func `one bad row at the end of several chunks leaves all of them unwritten`() async throws {
        try await withManagement { fixture in
            let lines = (1...1200).map { "a\($0),main,i\($0)" } + ["last,nope,i0"]
            let report = try await run(fixture, "agent_id,engine,instance_id\n" + lines.joined(separator: "\n"))
            #expect(report.faults.map(\.line) == [1202])
            #expect(try await fixture.count("SELECT count(*) AS count FROM agents") == 0)
            #expect(try await fixture.count("SELECT count(*) AS count FROM audit WHERE deed = 'agent.put'") == 0)
        }
    }

    @Test
    func `a session moves between agents of one file once it is free`() async throws {
        try await withManagement { fixture in
            // The one that gives up the session stands a chunk before the one that gets it.
            try await fixture.addAgent("a1", instance: "i1")
            let lines = ["a1,main,new"] + (1...600).map { "x\($0),," } + ["b1,main,i1"]
            let report = try await run(fixture, "agent_id,engine,instance_id\n" + lines.joined(separator: "\n"))
            #expect(report.isComplete)
            let moved = try await fixture.send("GET", "/v1/agents/b1").json()
            #expect((moved["instance"] as? [String: Any])?["instance_id"] as? String == "i1")
        }
    }

    @Test(arguments: [("i2", "i3"), ("i2", "i1")])
    func `sessions move between agents of one portion, also crosswise`(a1: String, b1: String) async throws {
        try await withManagement { fixture in
            try await fixture.addAgent("a1", instance: "i1")
            try await fixture.addAgent("b1", instance: "i2")
            let file = "agent_id,engine,instance_id\na1,main,\(a1)\nb1,main,\(b1)\n"
            for dry in [true, false] {
                let report = try await run(fixture, file, dry: dry)
                #expect(report.isComplete && report.changed == 2 && report.heldCount == 0)
            }
            #expect(try await fixture.session(of: "a1") == a1)
            #expect(try await fixture.session(of: "b1") == b1)
            #expect(try await run(fixture, file).unchanged == 2)
        }
    }

    @Test(
        arguments: [
            // Whoever has the session is named without one, comes too late, comes too late for the other half of a swap, or
            // is refused what it was to get.
            ("a1,main,i2\nb1,,\n", [2]),
            ("a1,main,i2\n…b1,main,i3\n", [2]),
            ("a1,main,i2\n…b1,main,i1\n", [2]),
            ("a1,main,i2\nb1,main,i-owner\n", [2, 3]),
        ] as [(String, [Int])]
    )
    func `what stays taken is a fault before anything is written`(lines: String, faults: [Int]) async throws {
        try await withManagement { fixture in
            try await fixture.addAgent("a1", instance: "i1")
            try await fixture.addAgent("b1", instance: "i2")
            try await fixture.addAgent("owner")
            let file = "agent_id,engine,instance_id\n" + lines.replacing("…", with: Self.others)
            for dry in [true, false] {
                let report = try await run(fixture, file, dry: dry)
                #expect(report.faults.map(\.line) == faults)
                #expect(report.faults.allSatisfy { $0.column == "instance.instance_id" })
            }
            #expect(try await fixture.count("SELECT count(*) AS count FROM agents") == 3)
            #expect(try await fixture.session(of: "a1") == "i1")
            #expect(try await fixture.session(of: "b1") == "i2")
        }
    }

    /// More agents than one portion has.
    private static let others = (1...600).map { "x\($0),,\n" }.joined()

    @Test
    func `a session that moves between two who are on shift goes on running`() async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(["b1"])
            try await fixture.addOnShift(["a1"], withSession: false)
            let file = "agent_id,engine,instance_id\na1,main,i-b1\nb1,main,new\n"
            let dry = try await run(fixture, file, dry: true)
            // Only the new one begins to run.
            #expect(dry.forecast?.changing == 1 && dry.forecast?.wouldHold == false)
            let report = try await run(fixture, file)
            #expect(report.isComplete && report.heldCount == 0)
            #expect(try await fixture.session(of: "a1") == "i-b1")
            #expect(try await fixture.session(of: "b1") == "new")
        }
    }

    @Test
    func `who gets the session of an agent whose part waits already waits too`() async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(["b1"])
            try await fixture.addAgent("a1")
            let header = "agent_id,engine,instance_id\n"
            let first = try await run(fixture, header + "b1,main,new\n")
            #expect(first.held == ["b1"])
            let file = header + "a1,main,i-b1\nb1,main,new\n"
            let dry = try await run(fixture, file, dry: true)
            let report = try await run(fixture, file)
            #expect(dry.isComplete && report.isComplete)
            #expect(dry.forecast?.held == ["a1", "b1"] && report.held == ["a1", "b1"])
            for change in [first.heldChange, report.heldChange] {
                let number = try #require(change)
                #expect(try await fixture.send("POST", "/v1/guard/\(number)/approve").status == 200)
            }
            #expect(try await fixture.session(of: "a1") == "i-b1")
            #expect(try await fixture.session(of: "b1") == "new")
        }
    }

    @Test
    func `who gets the session of an agent whose part an earlier portion holds waits with it`() async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(["b1"])
            try await fixture.addAgent("a1")
            try await fixture.addAgent("c1")
            let file =
                "agent_id,engine,instance_id\nb1,main,new\n" + Self.others + "c1,main,i-a1\na1,main,i-b1\n"
            let dry = try await run(fixture, file, dry: true)
            let report = try await run(fixture, file)
            #expect(dry.isComplete && report.isComplete)
            #expect(report.held == ["b1", "c1", "a1"] && report.heldCount == 3)
            #expect(dry.forecast?.held == report.held && dry.forecast?.heldCount == report.heldCount)
            #expect(try await fixture.session(of: "a1") == "i-a1")
            let change = try #require(report.heldChange)
            #expect(try await fixture.send("POST", "/v1/guard/\(change)/approve").status == 200)
            #expect(try await fixture.session(of: "a1") == "i-b1")
            #expect(try await fixture.session(of: "b1") == "new")
            #expect(try await fixture.session(of: "c1") == "i-a1")
        }
    }

    @Test
    func `a dry run says field by field what would change`() async throws {
        try await withManagement { fixture in
            _ = try await run(fixture, Self.header + "a1,Ann,x,UTC,main,i1,s1,hr:1\na2,B,x,UTC,,,,\n")
            let differences = Mutex<[AgentDifference]>([])
            let file = Self.header + "a1,Ann,y,UTC,main,i9,s1,hr:1;hr:2\na2,B,x,UTC,,,,\na3,C,,,,,,\n"
            _ = try await AgentImport(fixture.dependencies.directory)
                .run(AgentImportFile(parsing: file.utf8), isDryRun: true, author: "test") { difference in
                    differences.withLock { $0.append(difference) }
                }
            let found = differences.withLock { $0 }
            #expect(found.map(\.agentID) == ["a1", "a3"])
            #expect(found.map(\.isNew) == [false, true])
            #expect(found.first?.fields.map(\.name) == ["team", "instance", "aliases"])
            #expect(found.first?.fields.map(\.before) == ["x", "main/i1/s1", "hr:1"])
            #expect(found.first?.fields.map(\.after) == ["y", "main/i9/s1", "hr:1;hr:2"])
            #expect(found.last?.fields.map(\.name) == ["name"])
        }
    }

    @Test
    func `every agent of a large file gets looked at`() async throws {
        try await withManagement { fixture in
            let lines = (1...2_000).map { "a\($0),Agent \($0),t\($0 % 50),UTC,main,i\($0),s\($0),hr:\($0)" }
            let report = try await run(fixture, Self.header + lines.joined(separator: "\n"))
            #expect(report.added == 2_000)
            #expect(fixture.bell.take().count == 2_000)
            #expect(try await fixture.count("SELECT count(*) AS count FROM reconcile_queue") == 2_000)
        }
    }
}
