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
}
