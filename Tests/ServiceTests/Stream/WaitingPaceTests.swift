import Testing

@testable import Service

/// How soon what waits is asked for again.
@Suite("Waiting pace")
struct WaitingPaceTests {
    @Test
    func
        `one that took long alone keeps nobody waiting, and what always does is asked for every ten seconds all the same`()
    {
        var pace = WaitingPace()
        #expect(pace.pause(after: .milliseconds(400)) == .zero, "a new connection reads for the first time")
        #expect(pace.pause(after: .milliseconds(2)) == .milliseconds(100))
        #expect(pace.pause(after: .milliseconds(900)) == .milliseconds(100))
        #expect(pace.pause(after: .milliseconds(40)) == .seconds(2))
        #expect(pace.pause(after: .seconds(3)) == .seconds(2))
        #expect(pace.pause(after: .seconds(3)) == .seconds(10))
    }
}
