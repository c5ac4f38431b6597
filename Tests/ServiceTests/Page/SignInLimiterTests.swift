import Testing

@testable import Service

@Suite("SignInLimiter")
struct SignInLimiterTests {
    private let start = ContinuousClock.now

    @Test
    func `a few mistakes cost nothing, more of them cost time`() {
        let limiter = SignInLimiter()
        for _ in 0..<SignInLimiter.burst {
            #expect(limiter.wait("a", now: start) == nil)
            limiter.failed("a", now: start)
        }
        #expect(limiter.wait("a", now: start) == SignInLimiter.forgiveness)
        #expect(limiter.wait("b", now: start) == nil)
    }

    @Test
    func `mistakes are forgiven one by one`() {
        let limiter = SignInLimiter()
        for _ in 0..<SignInLimiter.burst { limiter.failed("a", now: start) }
        let later = start + SignInLimiter.forgiveness
        #expect(limiter.wait("a", now: later) == nil)
        limiter.failed("a", now: later)
        #expect(limiter.wait("a", now: later) == SignInLimiter.forgiveness)
    }

    @Test
    func `it remembers a bounded number of addresses, the worst of them`() {
        let limiter = SignInLimiter()
        for _ in 0..<SignInLimiter.burst { limiter.failed("worst", now: start) }
        for number in 0..<(SignInLimiter.addressLimit + 5) { limiter.failed("\(number)", now: start) }
        #expect(limiter.wait("worst", now: start) != nil)
    }
}
