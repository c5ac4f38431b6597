import Glibc
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

    @Test
    func `a low soft limit is raised as far as the hard one allows`() throws {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        try #require(getrlimit(resource, &limit) == 0)
        let wanted = min(rlim_t(ConnectionLimit.most + ConnectionLimit.reserve), limit.rlim_max)
        var low = rlimit(rlim_cur: min(1024, limit.rlim_max), rlim_max: limit.rlim_max)
        try #require(setrlimit(resource, &low) == 0)
        defer { setrlimit(resource, &limit) }
        #expect(ConnectionLimit.current() == ConnectionLimit.of(descriptors: Int(wanted)))
        try #require(getrlimit(resource, &low) == 0)
        #expect(low.rlim_cur == wanted)
    }
}
