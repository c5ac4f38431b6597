import LibPQ
import Testing

/// Nobody changes the ledger, not even its owner, but by an erasure.
func expectAppendOnly(_ service: RunningService) async throws {
    let erased = "erased:00000000-0000-0000-0000-000000000000"
    let changes: [PQStatement] = [
        "UPDATE clock_events SET kind = 2", "UPDATE clock_events SET external_id = \(erased)",
        "DELETE FROM clock_events", "TRUNCATE clock_events",
        "DO $$ BEGIN EXECUTE 'UPDATE clock_events SET record = NULL /* erase_events( */'; END $$",
        "DO $$ BEGIN EXECUTE 'DELETE FROM clock_events /* erase_events( */'; END $$",
    ]
    for statement in changes {
        let error = await #expect(throws: PQError.self) { try await service.owner.query(statement) }
        #expect(error?.sqlState == "23001", "\(statement.text): \(String(describing: error))")
        let refused = await #expect(throws: PQError.self) {
            try await service.owner.withTransaction { transaction in
                try await transaction.run(["SET LOCAL ROLE rollcall_app"])
                try await transaction.run([statement])
            }
        }
        #expect(refused?.sqlState == "42501", "\(statement.text)")
    }
    // Even from within the one function nothing but a name can change, and that only to its erased form.
    _ = try await service.owner.query("CREATE SCHEMA fake")
    for change in [
        "kind = 2", "external_id = 'somebody'", "received_at = now()", "record = NULL, external_id = NULL",
    ] {
        let body =
            "CREATE OR REPLACE FUNCTION fake.erase_events() RETURNS void LANGUAGE plpgsql AS $$ BEGIN UPDATE public.clock_events SET \(change); END $$"
        _ = try await service.owner.query(PQStatement(stringLiteral: body))
        let error = await #expect(throws: PQError.self) {
            try await service.owner.query("SELECT fake.erase_events()")
        }
        #expect(error?.sqlState == "23001", "\(change): \(String(describing: error))")
    }
}
