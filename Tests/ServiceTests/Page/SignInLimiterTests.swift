import Testing

@testable import Service

@Suite("SignInLimiter")
struct SignInLimiterTests {
    private let start = ContinuousClock.now

    @Test
    func `a few mistakes cost nothing, more of them cost time`() {
        let limiter = SignInLimiter()
        for _ in 0..<SignInLimiter.burst { #expect(limiter.reserve("a", now: start) == nil) }
        #expect(limiter.reserve("a", now: start) == SignInLimiter.forgiveness)
        #expect(limiter.reserve("b", now: start) == nil)
    }

    @Test
    func `mistakes are forgiven one by one`() {
        let limiter = SignInLimiter()
        for _ in 0..<SignInLimiter.burst { _ = limiter.reserve("a", now: start) }
        let later = start + SignInLimiter.forgiveness
        #expect(limiter.reserve("a", now: later) == nil)
        #expect(limiter.reserve("a", now: later) == SignInLimiter.forgiveness)
    }

    @Test
    func `however many try, nobody waits longer than for one to be forgiven`() {
        let limiter = SignInLimiter()
        for _ in 0..<1000 { _ = limiter.reserve("a", now: start) }
        #expect(limiter.reserve("a", now: start) == SignInLimiter.forgiveness)
        #expect(limiter.reserve("a", now: start + SignInLimiter.forgiveness) == nil)
    }

    @Test
    func `what was no mistake is taken back`() {
        let limiter = SignInLimiter()
        for _ in 0..<(2 * SignInLimiter.burst) {
            #expect(limiter.reserve("a", now: start) == nil)
            limiter.takeBack("a", now: start)
        }
        limiter.takeBack("a", now: start)
        for _ in 0..<SignInLimiter.burst { #expect(limiter.reserve("a", now: start) == nil) }
        #expect(limiter.reserve("a", now: start) != nil, "nobody earns attempts beforehand")
    }

    @Test
    func `it remembers a bounded number of addresses, the worst of them`() {
        let limiter = SignInLimiter()
        for _ in 0..<SignInLimiter.burst { _ = limiter.reserve("worst", now: start) }
        for number in 0..<(SignInLimiter.addressLimit + 5) { _ = limiter.reserve("\(number)", now: start) }
        #expect(limiter.reserve("worst", now: start) != nil)
    }
}
