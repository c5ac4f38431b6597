import LibPQ
import Logging
import Synchronization
import Testing

@testable import Service

@Suite("SourceWatch", .timeLimit(.minutes(2)))
struct SourceWatchTests {
    /// How often the beginning was tried, which a sequence counts also where it is rolled back.
    private func tries(_ owner: PQPool) async throws -> Int64 {
        try await owner.rows(
            "SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS tries FROM tries"
        ) { row throws(PQError) in try row.column("tries", as: Int64.self) }[0]
    }

    @Test
    func `while the beginning fails that is said once, however often it is tried`() async throws {
        let lines = Mutex<[String]>([])
        let logger = Logger(label: "test") { label in
            StructuredLogHandler(
                label: label,
                level: .notice,
                redactor: Redactor(),
                sink: LogSink { line in lines.withLock { $0.append(String(decoding: line, as: UTF8.self)) } }
            )
        }
        try await withMigratedDatabase { owner, _ in
            try await owner.withConnection { connection in
                try await connection.simpleQuery(
                    """
                    CREATE SEQUENCE tries;
                    CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
                    BEGIN
                        PERFORM nextval('tries');
                        RAISE EXCEPTION 'not now';
                    END
                    $$;
                    CREATE TRIGGER fails BEFORE UPDATE ON incidents FOR EACH STATEMENT EXECUTE FUNCTION fail()
                    """
                )
            }
            let watch = SourceWatch(
                pool: owner,
                journal: SourceJournal(),
                meters: SourceMeters([:]),
                redactor: Redactor(),
                names: [:],
                silenceLimits: [:],
                logger: logger
            )
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await watch.run() }
                // The third is tried once the second was logged, or was not.
                while try await tries(owner) < 3 { try await Task.sleep(for: .milliseconds(20)) }
                group.cancelAll()
            }
        }
        let said = lines.withLock { $0 }
        #expect(said.count == 1 && said.allSatisfy { $0.contains("source activity not read") }, "\(said)")
    }
}
