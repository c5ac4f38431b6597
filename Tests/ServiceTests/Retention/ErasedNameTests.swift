import Domain
import LibPQ
import Testing

@testable import Service

@Suite("Erased names")
struct ErasedNameTests {
    private static let id = "0b1e7a52-4c1f-4a53-9d3a-1f5b6c7d8e9f"

    @Test
    func `they are told by the same form here and in the database`() async throws {
        let names = [
            "erased:\(Self.id)": true, "erased:\(Self.id):7": true, "erased:\(Self.id):": false,
            "erased:\(Self.id):x": false, "erased:\(Self.id)7": false, "erased:\(Self.id.uppercased())": false,
            "erased:somebody": false, "erased:": false, "ana": false, "": false,
        ]
        try await withMigratedDatabase { pool, _ in
            for (name, isErased) in names {
                #expect(ErasedName.isErased(name) == isErased, "\(name)")
                let rows = try await pool.rows("SELECT is_erased(\(name)) AS is_erased") { row throws(PQError) in
                    try row.column("is_erased", as: Bool.self)
                }
                #expect(rows == [isErased], "\(name)")
            }
        }
    }

    @Test(arguments: ["", ":12"])
    func `none can be given to an agent`(suffix: String) async throws {
        let name = "erased:\(Self.id)\(suffix)"
        try await withManagement { fixture in
            try await fixture.addAgent("ana")
            let put = try await fixture.send("PUT", "/v1/sources/hr/aliases/\(name)", json: #"{"agent_id":"ana"}"#)
            #expect(try put.status == 422 && put.code() == "invalid_field", "\(put.text)")
            #expect(try put.json()["field"] as? String == "external_id")
            let agent = try await fixture.send(
                "PUT",
                "/v1/agents/ana",
                json: #"{"aliases":[{"source":"hr","external_id":"\#(name)"}]}"#
            )
            #expect(try agent.status == 422 && agent.json()["field"] as? String == "aliases[0].external_id")
            let file = AgentImportFile(parsing: "agent_id,aliases\nana,hr:\(name)\n".utf8)
            #expect(file.faults.map(\.column) == ["aliases"])
            #expect(try await fixture.count("SELECT count(*) AS count FROM agent_aliases") == 0)
        }
    }
}

/// Expects that what is left in the ledger of people who were erased at the source `vendor` waits for nobody, nor is anybody's.
func expectUnseen(_ service: RunningService) async throws {
    let names = try await service.owner.rows(
        "SELECT DISTINCT external_id FROM clock_events WHERE agent IS NULL AND is_erased(external_id)"
    ) { row throws(PQError) in try row.column("external_id", as: String.self) }
    try #require(names.count == 1)
    for query in ["", "?group=name", "?group=name&source=vendor"] {
        let list = try await service.send("GET", "/v1/unmatched\(query)")
        #expect(list.status == 200 && !list.text.contains("erased:"), "\(query): \(list.text)")
    }
    #expect(try await UnmatchedCount(pool: service.owner).bySource() == [:])
    // It is counted now and then.
    try await service.until { try await service.source("vendor").unmatched == 0 }
    let path = "/v1/sources/vendor/aliases/"
    let put = try await service.send("PUT", path + names[0], json: #"{"agent_id":"bo"}"#)
    #expect(try put.status == 422 && put.code() == "invalid_field", "\(put.text)")
    // An alias of that form from before gives its agent nothing either.
    _ = try await service.owner.query(
        """
        INSERT INTO agent_aliases (source_id, external_id, agent)
        SELECT s.source_id, \(names[0]), a.agent FROM clock_sources s, agents a WHERE s.name = 'vendor' AND a.agent_id = 'bo'
        """
    )
    #expect(try await service.send("PUT", path + "another", json: #"{"agent_id":"bo"}"#).status == 201)
    #expect(try await service.count("SELECT count(*) AS count FROM clock_event_matches") == 0)
    #expect(try await service.count("SELECT count(*) AS count FROM left_out_events") == 0)
}
