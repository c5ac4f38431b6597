import Domain
import LibPQ
import Testing

@testable import Service

/// What is asked again and again finds its rows by an index, whatever the tables hold.
@Suite("Guard and alert plans")
struct GuardPlanTests {
    private static let statements: [(name: String, statement: PQStatement)] = [
        ("waiting", GuardStatements.waiting(of: ["a"])),
        ("runs", GuardStatements.runs(of: ["a"], instances: [1])),
        ("wishes", GuardReads.wishes(of: [1, 2], teams: nil)),
        ("a team's wishes", GuardReads.wishes(of: [1, 2], teams: ["a"])),
        ("recent", GuardStatements.recent(.seconds(300))),
        ("supersede", GuardStatements.supersede(["a"], slot: .order, by: "x")),
        ("at rest", GuardDueStatements.isAnything),
        ("due", GuardDueStatements.claim),
        ("done", GuardDueStatements.take(1)),
        ("still due", GuardDueStatements.lock([1])),
        ("waiting parts", FeedStatements.waitingParts),
        ("open incidents", FeedStatements.openIncidents),
        ("news", AlertStatements.news(after: .seconds(300), page: 0)),
        ("take", AlertStatements.take),
        ("alike", AccountStanding.alike(1)),
        ("unattended", AccountWatch.judge(watchedFor: .seconds(60))),
    ]

    @Test(arguments: statements.indices)
    func `no table is read as a whole`(number: Int) async throws {
        let (name, statement) = Self.statements[number]
        try await withMigratedDatabase { pool, _ in
            let plan = try await pool.withConnection { connection in
                try await connection.simpleQuery("VACUUM ANALYZE")
                let settings = "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off"
                return try await connection.plan(of: statement, settings: settings)
            }
            #expect(!plan.contains { $0.contains("Seq Scan") }, "\(name): \(plan.joined(separator: "\n"))")
        }
    }
}
