import Domain
import LibPQ
import Service
import Testing

/// The alarm over a source that sends nothing any more.
@Suite("Source silence", .timeLimit(.minutes(3)))
struct SourceSilenceTests {
    private struct Incidents: Decodable {
        struct Incident: Decodable, Sendable {
            var id: Int64
            var kind: String
            var engine: String?
            var source: String?
            var closedAt: String?
        }

        var items: [Incident]
    }

    private func incidents(_ service: RunningService) async throws -> [Incidents.Incident] {
        try await service.send("GET", "/v1/incidents").decoded(as: Incidents.self).items
    }

    @Test
    func `a source that was heard and then was not is one incident, which the next genuine delivery ends`() async throws
    {
        try await withRunningService { setup in
            setup.addVendor()
            setup.sources[0].silence = .seconds(2)
        } _: { service in
            try await service.tell(.init(delivery: "d1"))
            try await service.until { try await service.source().state == "silent" }
            let raised = try await incidents(service)
            #expect(raised.map(\.kind) == ["source_silent"] && raised.map(\.source) == ["vendor"])
            #expect(raised[0].engine == nil && raised[0].closedAt == nil)
            #expect(try await service.source().silence.since != nil)
            #expect(try await service.source().silence.limitSeconds == 2)
            // What is refused is no sign of life.
            try await service.tell(.init(), proof: "bad")
            try await service.until { try await service.source().today["bad_proof"] == 1 }
            #expect(try await service.source().state == "silent")
            #expect(try await incidents(service).count == 1)
            try await service.tell(.init(delivery: "d2"))
            try await service.until { try await incidents(service).first { $0.id == raised[0].id }?.closedAt != nil }
            let key = try await service.send("POST", "/v1/keys", json: #"{"name":"k","role":"view","teams":["red"]}"#)
            let bound = try #require(try key.json()["key"] as? String)
            try await service.until { try await service.send("GET", "/v1/incidents", key: bound).status == 200 }
            #expect(try await service.send("GET", "/v1/incidents", key: bound).items().isEmpty)
        }
    }

    @Test
    func `a source that never sent anything, or may be silent for ever, raises none`() async throws {
        try await withRunningService { setup in
            setup.addVendor()
            setup.sources[0].silence = .seconds(1)
            var quiet = setup.sources[0]
            quiet.name = "quiet"
            quiet.silence = .zero
            setup.sources.append(quiet)
        } _: { service in
            try await service.send(
                "POST",
                "/v1/sources/quiet/events",
                key: nil,
                headers: ["X-Proof": "good"],
                body: "{\"punches\":[]}"
            )
            try await service.until { try await service.source("quiet").lastSeenAt != nil }
            _ = try await service.owner.query(
                "UPDATE source_activity SET last_seen_at = now() - interval '1 day'"
            )
            try await service.pause(3)
            #expect(try await incidents(service).isEmpty)
            #expect(try await service.source().state == "waiting")
        }
    }

    @Test
    func `the service's own downtime is not held against a source, and an open incident survives it`() async throws {
        try await withMigratedDatabase { owner, databaseURL in
            _ = try await owner.query("INSERT INTO clock_sources (name) VALUES ('vendor'), ('other')")
            _ = try await owner.query(
                """
                INSERT INTO source_activity (source_id, last_seen_at)
                SELECT source_id, now() - interval '1 day' FROM clock_sources WHERE name <> 'api'
                """
            )
            _ = try await owner.query(
                """
                INSERT INTO incidents (account, source_id, kind)
                SELECT -source_id, source_id, 'source_silent' FROM clock_sources WHERE name = 'other'
                """
            )
            try await withRunningService { setup in
                setup.databaseURL = databaseURL
                setup.addVendor()
                setup.sources[0].silence = .seconds(3600)
                var other = setup.sources[0]
                other.name = "other"
                setup.sources.append(other)
            } _: { service in
                try await service.pause(3)
                #expect(try await service.source().state == "receiving")
                #expect(try await service.source("other").state == "silent")
                #expect(try await incidents(service).map(\.source) == ["other"])
            }
            // Not longer than it may be silent now.
            try await withRunningService { setup in
                setup.databaseURL = databaseURL
                setup.addVendor()
                setup.sources[0].name = "other"
                setup.sources[0].silence = .seconds(172_800)
            } _: { service in
                try await service.until { try await service.source("other").state == "receiving" }
                #expect(try await incidents(service).allSatisfy { $0.closedAt != nil })
            }
            _ = try await owner.query("UPDATE incidents SET closed_at = NULL")
            // Without the setting nobody waits for it any more.
            try await withRunningService { setup in
                setup.databaseURL = databaseURL
                setup.addVendor()
            } _: { service in
                try await service.until { try await incidents(service).allSatisfy { $0.closedAt != nil } }
            }
        }
    }

    @Test
    func `an incident that nobody watches for is closed though the database fails at the beginning`() async throws {
        try await withMigratedDatabase { owner, databaseURL in
            try await owner.withConnection { connection in
                try await connection.simpleQuery(
                    """
                    INSERT INTO clock_sources (name) VALUES ('other');
                    INSERT INTO incidents (account, source_id, kind)
                    SELECT -source_id, source_id, 'source_silent' FROM clock_sources WHERE name = 'other';
                    CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
                    BEGIN
                        RAISE EXCEPTION 'not now';
                    END
                    $$;
                    CREATE TRIGGER fails BEFORE UPDATE ON incidents FOR EACH STATEMENT EXECUTE FUNCTION fail()
                    """
                )
            }
            try await withRunningService { setup in
                setup.databaseURL = databaseURL
                setup.addVendor()
            } _: { service in
                try await service.pause(1)
                #expect(try await incidents(service).allSatisfy { $0.closedAt == nil })
                _ = try await owner.query("DROP TRIGGER fails ON incidents")
                try await service.until { try await incidents(service).allSatisfy { $0.closedAt != nil } }
            }
        }
    }
}
