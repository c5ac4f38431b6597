import LibPQ
import Logging
import Service
import Testing

/// The databases that most tests begin with.
@Suite("MigratedDatabase", .timeLimit(.minutes(1)))
struct MigratedDatabaseTests {
    @Test
    func `each has every migration and nothing of another's, also where some are made at a time`() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    try await withMigratedDatabase { owner, _ in
                        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
                        #expect(try await Migrator(pool: owner, logger: logger).pending().isEmpty)
                        // In a database that another has too the name is taken.
                        try await owner.execute("INSERT INTO agents (agent_id) VALUES ('ana')")
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}
