import Testing

@testable import Service

@Suite("AppendStall")
struct AppendStallTests {
    private let start = ContinuousClock.now
    private let limit = AppendStall.limit

    @Test
    func `a batch that is not committed for as long as that is a stall, until one is`() {
        var stall = AppendStall()
        #expect(stall.stalled(at: start + .seconds(9)) == nil, "nothing is under way")
        let first = stall.begin([], at: start)
        #expect(stall.stalled(at: start + limit - .milliseconds(1)) == nil)
        #expect(stall.stalled(at: start + limit) != nil)
        let second = stall.begin([], at: start + limit)
        #expect(stall.stalled(at: start + limit) != nil, "another that begins moves nothing")
        stall.end(second, isCommitted: false, at: start + limit)
        #expect(stall.stalled(at: start + limit) != nil)
        let third = stall.begin([], at: start + limit)
        stall.end(third, isCommitted: true, at: start + limit)
        #expect(stall.stalled(at: start + limit * 2 - .milliseconds(1)) == nil, "another was committed")
        #expect(stall.stalled(at: start + limit * 2) != nil)
        stall.end(first, isCommitted: false, at: start + limit * 2)
        #expect(stall.stalled(at: start + .seconds(99)) == nil)
    }
}
