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
