import Testing

@testable import LibPQ

@Suite("PoolState")
struct PoolStateTests {
    private let start = Tick(nanoseconds: 0)

    private func makeState(
        connections: Int = 2,
        minimum: Int = 0,
        waiters: Int = 2,
        idle: Duration = .seconds(60)
    ) -> PoolState {
        let limits = PoolState.Limits(
            connections: connections,
            minimum: minimum,
            waiters: waiters,
            acquireTimeout: .seconds(5),
            idleTimeout: idle
        )
        return PoolState(limits: limits, seed: 7)
    }

    private func at(_ milliseconds: Int) -> Tick { start + .milliseconds(milliseconds) }

    @Test
    func `the first caller has a connection opened and gets it`() {
        var state = makeState()
        #expect(state.request(10, deadline: at(5000), now: at(0)) == [.open(1)])
        #expect(state.opened(1, now: at(3)) == [.assign(connection: 1, waiter: 10)])
        #expect(state.counts == .init(busy: 1))
    }

    @Test
    func `a free connection is reused, the latest one first`() {
        var state = makeState()
        _ = state.request(10, deadline: at(5000), now: at(0))
        _ = state.request(11, deadline: at(5000), now: at(0))
        _ = state.opened(1, now: at(1))
        _ = state.opened(2, now: at(1))
        #expect(state.released(1, isReusable: true, now: at(2)) == [])
        #expect(state.released(2, isReusable: true, now: at(3)) == [])
        #expect(state.request(12, deadline: at(5000), now: at(4)) == [.assign(connection: 2, waiter: 12)])
    }

    @Test
    func `who waits longest is served first, a retried one before all`() {
        var state = makeState(connections: 1, waiters: 5)
        _ = state.request(10, deadline: at(5000), now: at(0))
        _ = state.opened(1, now: at(0))
        _ = state.request(11, deadline: at(5000), now: at(1))
        _ = state.request(12, deadline: at(5000), now: at(2))
        _ = state.request(13, deadline: at(5000), isRetry: true, now: at(3))
        var served: [UInt64] = []
        for _ in 0..<3 {
            for case .assign(_, let waiter) in state.released(1, isReusable: true, now: at(4)) { served.append(waiter) }
        }
        #expect(served == [13, 11, 12])
    }

    @Test
    func `one waiter too many is refused`() {
        var state = makeState(connections: 1, waiters: 1)
        #expect(state.request(10, deadline: at(5000), now: at(0)) == [.open(1)])
        #expect(state.request(11, deadline: at(5000), now: at(0)) == [.refuse(waiter: 11, .overloaded)])
        #expect(state.request(12, deadline: at(5000), isRetry: true, now: at(0)) == [])
    }

    @Test
    func `a waiter is refused when its deadline comes, not before`() {
        var state = makeState(connections: 1)
        _ = state.request(10, deadline: at(5000), now: at(0))
        _ = state.opened(1, now: at(0))
        _ = state.request(11, deadline: at(70), now: at(0))
        #expect(state.nextDeadline == at(70))
        #expect(state.tick(at(69)) == [])
        #expect(state.tick(at(70)) == [.refuse(waiter: 11, .timedOut)])
    }

    @Test
    func `a waiter that gave up is skipped`() {
        var state = makeState(connections: 1)
        _ = state.request(10, deadline: at(5000), now: at(0))
        _ = state.opened(1, now: at(0))
        _ = state.request(11, deadline: at(5000), now: at(0))
        _ = state.request(12, deadline: at(5000), now: at(0))
        let (first, second) = (state.withdraw(11), state.withdraw(11))
        #expect(first && !second)
        #expect(state.released(1, isReusable: true, now: at(1)) == [.assign(connection: 1, waiter: 12)])
    }

    @Test
    func `a spoiled connection is closed and another opened for who waits`() {
        var state = makeState(connections: 1)
        _ = state.request(10, deadline: at(5000), now: at(0))
        _ = state.opened(1, now: at(0))
        _ = state.request(11, deadline: at(5000), now: at(0))
        #expect(state.released(1, isReusable: false, now: at(1)) == [.close(1), .open(2)])
    }

    @Test
    func `after a failure it pauses, tries one at a time, and then serves everybody`() throws {
        var state = makeState(connections: 3, waiters: 5)
        #expect(state.request(10, deadline: at(5000), now: at(0)) == [.open(1)])
        #expect(state.request(11, deadline: at(5000), now: at(0)) == [.open(2)])
        #expect(state.openFailed(1, now: at(1)) == [])
        #expect(state.openFailed(2, now: at(1)) == [])
        let retry = try #require(state.nextDeadline)
        #expect(retry > at(1) && retry <= at(101))
        #expect(state.tick(retry) == [.open(3)])
        #expect(state.opened(3, now: at(200)) == [.assign(connection: 3, waiter: 10), .open(4)])
    }

    @Test
    func `once nothing has worked for long, callers are refused at once while it goes on trying`() throws {
        var state = makeState()
        _ = state.request(10, deadline: at(5000), now: at(0))
        _ = state.openFailed(1, now: at(1))
        #expect(state.tick(at(5001)) == [.refuse(waiter: 10, .unreachable), .open(2)])
        #expect(state.request(11, deadline: at(9000), now: at(5002)) == [.refuse(waiter: 11, .unreachable)])
        _ = state.openFailed(2, now: at(5003))
        let retry = try #require(state.nextDeadline)
        #expect(state.tick(retry) == [.open(3)])
        #expect(state.opened(3, now: retry) == [])
        #expect(state.request(12, deadline: at(20_000), now: retry) == [.assign(connection: 3, waiter: 12)])
    }

    @Test
    func `the pause between attempts grows to its limit and never beyond`() throws {
        var state = makeState(minimum: 1)
        var now = at(0)
        var actions = state.openMore(now)
        for _ in 0..<40 {
            guard case .open(let id) = actions.first else { break }
            _ = state.openFailed(id, now: now)
            let next = try #require(state.nextDeadline)
            #expect(next - now <= PoolState.retryPauseLimit)
            now = next
            actions = state.tick(now)
        }
        #expect(now - start > .seconds(8))
    }

    @Test
    func `the minimum is opened at birth and kept when a connection is lost`() {
        var state = makeState(connections: 3, minimum: 2)
        #expect(state.openMore(at(0)) == [.open(1), .open(2)])
        _ = state.opened(1, now: at(1))
        _ = state.opened(2, now: at(1))
        #expect(state.lost(1, now: at(2)) == [.open(3)])
        #expect(state.tick(at(10_000_000)) == [])
    }

    @Test
    func `a surplus connection is closed after doing nothing for long`() {
        var state = makeState(connections: 2, minimum: 1, idle: .seconds(1))
        _ = state.request(10, deadline: at(5000), now: at(0))
        _ = state.request(11, deadline: at(5000), now: at(0))
        for id in [UInt64(1), 2] { _ = state.opened(id, now: at(0)) }
        _ = state.released(1, isReusable: true, now: at(10))
        _ = state.released(2, isReusable: true, now: at(20))
        #expect(state.nextDeadline == at(1010))
        #expect(state.tick(at(1010)) == [.close(1)])
        #expect(state.nextDeadline == nil)
    }

    @Test
    func `closing refuses who waits, closes what is free, and waits for what is in use`() {
        var state = makeState(connections: 2, waiters: 5)
        _ = state.request(10, deadline: at(5000), now: at(0))
        _ = state.request(11, deadline: at(5000), now: at(0))
        _ = state.opened(1, now: at(0))
        #expect(state.close() == [.refuse(waiter: 11, .closed), .close(2)])
        #expect(state.request(12, deadline: at(5000), now: at(1)) == [.refuse(waiter: 12, .closed)])
        #expect(!state.isDrained)
        #expect(state.released(1, isReusable: true, now: at(2)) == [.close(1)])
        #expect(state.isDrained)
    }
}
