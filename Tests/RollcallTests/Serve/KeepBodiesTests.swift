import LibPQ
import Testing

/// For how long the running service keeps raw deliveries.
@Suite("Bodies that are kept", .timeLimit(.minutes(3)))
struct KeepBodiesTests {
    @Test
    func `ROLLCALL_KEEP_BODIES says from when on bodies go`() async throws {
        try await withInstallation { installation in
            #expect(try await installation.run("migrate").code == 0)
            // With the default of 90 days both would stay.
            try await installation.owner.query(
                """
                INSERT INTO deliveries (source_id, received_at, headers, body, reading)
                SELECT 1, now() - make_interval(days => age), '{}', '\\x00', 'x' FROM unnest(ARRAY[20, 40]) age
                """
            )
            let service = try await installation.serve(["ROLLCALL_KEEP_BODIES": "30d"])
            try await service.until("the older one is gone") {
                try await installation.count("SELECT count(*) AS count FROM deliveries") == 1
            }
            let younger: PQStatement = """
                SELECT count(*) AS count FROM deliveries WHERE received_at > now() - interval '30 days'
                """
            #expect(try await installation.count(younger) == 1)
        }
    }
}
