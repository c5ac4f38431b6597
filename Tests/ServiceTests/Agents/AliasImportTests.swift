import Domain
import LibPQ
import Service
import Testing

/// What a file of agents says of aliases.
@Suite("Aliases in a file")
struct AliasImportTests {
    private func run(
        _ fixture: ManagementFixture,
        _ text: String,
        dry: Bool = false
    ) async throws -> (
        report: AgentImport.Report, fields: [AgentDifference.Field]
    ) {
        var fields: [AgentDifference.Field] = []
        let report = try await AgentImport(fixture.dependencies.directory)
            .run(AgentImportFile(parsing: text.utf8), isDryRun: dry, author: "test") { fields += $0.fields }
        return (report, fields)
    }

    private func aliases(_ fixture: ManagementFixture, _ agent: String) async throws -> [String] {
        let list = try await fixture.send("GET", "/v1/agents/\(agent)").json()["aliases"] as? [[String: String]]
        return (list ?? []).map { "\($0["source"] ?? "") \($0["external_id"] ?? "")" }
    }

    @Test
    func `colons, doubled semicolons, spaces, commas and quotes belong to an external id`() async throws {
        try await withManagement { fixture in
            let cell = #""hr:a:b; hr:c;;d;;;api:e f;hr: g;hr:h,i ""j""""#
            let (report, _) = try await run(fixture, "agent_id,aliases\na1,\(cell)\n")
            #expect(report.faults.isEmpty && report.added == 1)
            let expected = ["api e f", "hr  g", "hr a:b", "hr c;d;", "hr h,i \"j\""]
            // The third ends with a semicolon of its own: two belong to the id, one separates.
            #expect(try await aliases(fixture, "a1") == expected)
            let again = try await run(fixture, "agent_id,aliases\na1,\(cell)\n", dry: true)
            #expect(again.report.unchanged == 1)
        }
    }

    @Test
    func `a dry run shows what is written back as the file has it, and who gives an alias up`() async throws {
        try await withManagement { fixture in
            _ = try await run(fixture, "agent_id,aliases\nbo,hr:1;;2\n")
            let dry = try await run(fixture, "agent_id,aliases\nana,hr:1;;2\n", dry: true)
            #expect(dry.fields.map(\.name) == ["aliases", "alias hr:1;;2"])
            #expect(dry.fields.map(\.before) == [nil, "bo"])
            #expect(dry.fields.map(\.after) == ["hr:1;;2", "ana"])
            #expect(try await aliases(fixture, "bo") == ["hr 1;2"])
            _ = try await run(fixture, "agent_id,aliases\nana,hr:1;;2\n")
            #expect(try await aliases(fixture, "bo") == [])
            #expect(try await aliases(fixture, "ana") == ["hr 1;2"])
        }
    }

    @Test
    func `without the column, or with an empty cell, aliases stay as they are`() async throws {
        try await withManagement { fixture in
            _ = try await run(fixture, "agent_id,aliases\nana,hr:1\n")
            for file in [
                "agent_id,name\nana,Ana\n", "agent_id,name,aliases\nana,Ana Ito,\n", "agent_id,aliases\nana,\" \"\n",
            ] {
                let (report, fields) = try await run(fixture, file)
                #expect(report.faults.isEmpty)
                #expect(!fields.contains { $0.name == "aliases" })
                #expect(try await aliases(fixture, "ana") == ["hr 1"])
            }
        }
    }

    @Test
    func `a source that there is not is a fault of its line, and nothing is written`() async throws {
        try await withManagement { fixture in
            let (report, _) = try await run(fixture, "agent_id,aliases\nana,hr:1\nbo,nope:1\n")
            #expect(report.faults.map(\.line) == [3])
            #expect(report.faults.first?.column == "aliases[0].source")
            #expect(try await fixture.count("SELECT count(*) AS count FROM agents") == 0)
        }
    }

    @Test
    func `the unmatched events that the agents got are counted`() async throws {
        try await withManagement { fixture in
            for (kind, ago) in [(PunchKind.clockIn, 3000), (.clockOut, 2000), (.clockIn, 1000)] {
                try await fixture.addEvent(kind, of: "77", ago: .seconds(ago), source: "hr", matched: false)
            }
            try await fixture.addEvent(.clockIn, of: "78", ago: .seconds(30 * 3600), source: "hr", matched: false)
            let dry = try await run(fixture, "agent_id,aliases\nana,hr:77;hr:78\n", dry: true)
            #expect(dry.report.applied == 0)
            let (report, _) = try await run(fixture, "agent_id,aliases\nana,hr:77;hr:78\n")
            // The old clock-in has its end by now: the other name's clock-out.
            #expect(report.applied == 4)
            #expect(try await fixture.send("GET", "/v1/agents/ana").json()["shift"] as? String == "in")
        }
    }

    @Test
    func `the same file again goes on where an import was broken off, and then finds nothing`() async throws {
        try await withManagement { fixture in
            let file = "agent_id,aliases\nana,hr:77\nbo,hr:78\n"
            _ = try await run(fixture, file)
            // As if these were the older portions of what the first run mapped.
            for (kind, hours) in [(PunchKind.clockIn, 30), (.clockOut, 29)] {
                try await fixture.addEvent(kind, of: "77", ago: .seconds(hours * 3600), source: "hr", matched: false)
            }
            try await fixture.addEvent(.clockIn, of: "bo", ago: .seconds(60), matched: false)
            try await fixture.addEvent(.clockIn, of: "78", ago: .seconds(30 * 3600), source: "hr", matched: false)
            let dry = try await run(fixture, file, dry: true)
            #expect(dry.report.unchanged == 2 && dry.report.applied == 0 && dry.fields.isEmpty)
            let again = try await run(fixture, file)
            #expect(again.report.unchanged == 2 && again.report.changed == 0 && again.report.applied == 3)
            #expect(try await fixture.send("GET", "/v1/agents/bo").json()["shift"] as? String == "in")
            #expect(try await fixture.count("SELECT count(*) AS count FROM left_out_events") == 1)
            #expect(try await run(fixture, file).report.applied == 0)
            #expect(try await fixture.count("SELECT count(*) AS count FROM audit WHERE deed = 'agent.put'") == 2)
        }
    }
}
