import LibPQ
import Logging
import TestSupport
import Testing

@testable import Service

@Suite("Pools")
struct PoolsTests {
    @Test
    func `together with the one that listens there are never more connections than were allowed`() {
        for connections in 4...500 {
            let shares = Pools.shares(of: connections)
            #expect(shares.writers >= 2 && shares.readers >= 1)
            #expect(shares.writers + shares.readers + 1 == connections || shares.writers == 6)
            #expect(shares.writers + shares.readers + 1 <= connections)
        }
        #expect(Pools.shares(of: 12) == (6, 5))
    }

    @Test
    func `the server asks after who migrates, so the lock of a machine that vanished goes`() async throws {
        let configuration = Pools.owning(try await ThrowawayCluster.shared().tcpConnectionString())
        let pool = PQPool(configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let found = try await pool.rows(
            "SELECT name || ' ' || setting AS line FROM pg_settings WHERE name LIKE 'tcp_%' ORDER BY name"
        ) { row throws(PQError) in try row.column("line", as: String.self) }
        await pool.shutdown()
        #expect(
            found == [
                "tcp_keepalives_count 3", "tcp_keepalives_idle 10", "tcp_keepalives_interval 5",
                "tcp_user_timeout 10000",
            ]
        )
    }
}
