import LibPQ
import Testing

@testable import Service

/// Names of the configuration that the database is told of.
@Suite("Registry", .timeLimit(.minutes(2)))
struct RegistryTests {
    @Test
    func `replicas that begin at once with names in another order do not wait for each other in a circle`() async throws
    {
        try await withMigratedDatabase { pool, _ in
            let registry = Registry(pool: pool)
            for round in 0..<10 {
                let names = (0..<400).map { "\(round)-\($0)" }
                async let accounts = registry.accounts(names)
                async let sources = registry.sources(names)
                let others = try await (registry.accounts(names.reversed()), registry.sources(names.reversed()))
                let (first, second) = try await (accounts, sources)
                #expect(others.0 == first && others.1 == second)
            }
        }
    }
}
