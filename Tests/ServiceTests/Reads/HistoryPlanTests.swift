import Domain
import LibPQ
import Testing

@testable import Service

/// What a timeline and the figures are read from is found by an index, however long the history has become.
@Suite("History plans")
struct HistoryPlanTests {
    private static let now = Timestamp(seconds: 1_800_000_000)
    private static let question = StatsReads.Question(teams: nil, from: now - .seconds(86_400), to: now)
    private static let lifetimes = LookLifetimes(ofAccounts: [180], ofOthers: 180)
    private static let statements: [(name: String, statement: PQStatement)] = [
        ("commands", HistoryReads.commands(of: [1], agent: 1, from: now, to: now, limit: 10)),
        ("ownerships", HistoryReads.ownerships(of: 1, from: now, to: now)),
        ("gaps", HistoryReads.gaps(of: 1, from: now, to: now)),
        ("ways", StatsReads.ways(question)),
        ("drift", StatsReads.drift(question, lifetimes)),
        ("rest", StatsReads.rest(question, lifetimes)),
    ]

    @Test(arguments: statements.indices)
    func `no table is read as a whole`(number: Int) async throws {
        let (name, statement) = Self.statements[number]
        try await withMigratedDatabase { pool, _ in
            let plan = try await pool.withConnection { connection in
                try await connection.plan(
                    of: statement,
                    settings: "SET enable_seqscan = off; SET enable_hashjoin = off"
                )
            }
            #expect(plan.contains { $0.contains("Index Cond: ") }, "\(name): \(plan.joined(separator: "\n"))")
            #expect(!plan.contains { $0.contains("Seq Scan") }, "\(name): \(plan.joined(separator: "\n"))")
        }
    }
}
