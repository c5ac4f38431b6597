import Domain
import LibPQ
import Testing

@testable import Service

/// News of agents wait for nothing that is read beside them.
@Suite("Side reads", .timeLimit(.minutes(2)))
struct SideReadTests {
    @Test
    func `an agent's news are told while the incidents cannot be read`() async throws {
        try await withPage { page in
            try await page.management.addAgent("a1")
            try await page.follow { stream in
                try await stream.next("summary")
                try await page.management.pool.withTransaction { transaction in
                    _ = try await transaction.run([
                        "SET LOCAL ROLE NONE", "LOCK TABLE incidents IN ACCESS EXCLUSIVE MODE",
                    ])
                    // The reader is stuck before there is anything to tell.
                    try await page.wait { try await page.management.pool.query(Self.waiting).rowCount > 0 }
                    try await page.management.observe("a1", "WORKING")
                    try await stream.next { $0.name == "agent" && $0.agentID == "a1" }
                    #expect(try await page.management.pool.query(Self.waiting).rowCount > 0)
                }
            }
        }
    }

    @Test
    func `that an incident begins or ends is found by the next look`() async throws {
        try await withPage { page in
            try await page.management.addAgent("a1")
            var reader = FeedSideReader(page.feed.sources)
            var news: [FeedEvent.Content] = []
            _ = try await reader.read(into: &news)
            _ = try await page.management.pool.query(
                "INSERT INTO incidents (account, kind, detail) SELECT account, 'account_refused', 'x' FROM engine_accounts"
            )
            var told: [Bool] = []
            for _ in 0..<2 {
                news = []
                _ = try await reader.read(into: &news)
                for case .incident(let incident) in news { told.append(incident.closedAt == nil) }
                _ = try await page.management.pool.query("UPDATE incidents SET closed_at = now()")
            }
            #expect(told == [true, false])
        }
    }

    private static let waiting: PQStatement = """
        SELECT l.pid
        FROM pg_locks l
        JOIN pg_stat_activity a ON a.pid = l.pid
        WHERE NOT l.granted
          AND a.datname = current_database()
          AND l.relation = 'incidents'::regclass
        """
}
