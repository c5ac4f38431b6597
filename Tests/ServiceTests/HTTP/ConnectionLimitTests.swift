import Testing

@testable import Service

@Suite("ConnectionLimit")
struct ConnectionLimitTests {
    @Test(arguments: [(1024, 512), (65_536, 8192), (Int.max, 8192), (600, 88), (64, 64), (0, 64)])
    func `connections leave descriptors for everything else`(descriptors: Int, limit: Int) {
        #expect(ConnectionLimit.of(descriptors: descriptors) == limit)
    }

    @Test
    func `the limit of this process is within its bounds`() {
        #expect((ConnectionLimit.least...ConnectionLimit.most).contains(ConnectionLimit.current()))
    }
}
