import Testing

@testable import LibPQ

/// Drives a ``PoolState`` at random and checks after every step what must always hold.
@Suite("PoolState, at random")
struct PoolStatePropertyTests {
    private struct Broken: Error, CustomStringConvertible {
        var description: String
    }

    /// A pool of the test's own making, which knows what each connection and waiter is going through.
    private struct Model {
        var state: PoolState
        var random: SplitMix64
        var now = Tick(nanoseconds: 0)
        var opening: Set<UInt64> = []
        var users: [UInt64: UInt64] = [:]
        var free: Set<UInt64> = []
        var deadlines: [UInt64: Tick] = [:]
        var lastWaiter: UInt64 = 0
        var served = 0

        mutating func obey(_ actions: [PoolState.Action]) throws(Broken) {
            for action in actions {
                switch action {
                case .open(let id):
                    guard opening.insert(id).inserted else { throw Broken(description: "opened twice") }
                case .close(let id):
                    guard opening.remove(id) ?? free.remove(id) ?? users.removeValue(forKey: id) != nil else {
                        throw Broken(description: "closed what is not there")
                    }
                case .assign(let id, let waiter):
                    guard free.remove(id) != nil, users.updateValue(waiter, forKey: id) == nil else {
                        throw Broken(description: "assigned a connection that is not free")
                    }
                    guard deadlines.removeValue(forKey: waiter) != nil else {
                        throw Broken(description: "served twice")
                    }
                    served += 1
                case .refuse(let waiter, _):
                    guard deadlines.removeValue(forKey: waiter) != nil else { throw Broken(description: "told twice") }
                }
            }
        }

        /// One random event of the outside world.
        mutating func step() throws(Broken) {
            now = now + .milliseconds(Int.random(in: 0...40, using: &random))
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<4: try ask()
            case 4:
                guard let waiter = deadlines.keys.sorted().randomElement(using: &random) else { return }
                if state.withdraw(waiter) { deadlines[waiter] = nil }
            case 5, 6: try answerOpening()
            case 7, 8: try endUse()
            default: try obey(state.tick(now))
            }
        }

        private mutating func ask() throws(Broken) {
            lastWaiter += 1
            let deadline = now + .milliseconds(Int.random(in: 0...500, using: &random))
            deadlines[lastWaiter] = deadline
            let isRetry = Int.random(in: 0..<10, using: &random) == 0
            try obey(state.request(lastWaiter, deadline: deadline, isRetry: isRetry, now: now))
        }

        private mutating func answerOpening() throws(Broken) {
            guard let id = opening.sorted().randomElement(using: &random) else { return }
            opening.remove(id)
            if Bool.random(using: &random) {
                free.insert(id)
                try obey(state.opened(id, now: now))
            } else {
                try obey(state.openFailed(id, now: now))
            }
        }

        private mutating func endUse() throws(Broken) {
            let id = (Array(users.keys) + free).sorted().randomElement(using: &random)
            guard let id else { return }
            let isUsed = users[id] != nil
            switch Int.random(in: 0..<5, using: &random) {
            case 0:
                users[id] = nil
                free.remove(id)
                try obey(state.lost(id, now: now))
            case 1 where isUsed:
                try obey(state.released(id, isReusable: false, now: now))
            case _ where isUsed:
                users[id] = nil
                free.insert(id)
                try obey(state.released(id, isReusable: true, now: now))
            default: break
            }
        }

        func check() throws(Broken) {
            let counts = PoolState.Counts(connecting: opening.count, idle: free.count, busy: users.count)
            guard state.counts == counts else { throw Broken(description: "counts \(state.counts), really \(counts)") }
            guard counts.total <= state.limits.connections else { throw Broken(description: "too many connections") }
            guard state.waiters.count == deadlines.count else { throw Broken(description: "lost a waiter") }
            guard free.isEmpty || deadlines.isEmpty else {
                throw Broken(description: "someone waits beside a free one")
            }
            guard deadlines.isEmpty || state.nextDeadline != nil else { throw Broken(description: "waits for ever") }
        }
    }

    @Test(arguments: UInt64(1)...200)
    func `nobody is served twice or forgotten, and no bound is passed`(seed: UInt64) throws {
        var random = SplitMix64(state: seed)
        let most = Int.random(in: 1...6, using: &random)
        let limits = PoolState.Limits(
            connections: most,
            minimum: Int.random(in: 0...most, using: &random),
            waiters: Int.random(in: 0...8, using: &random),
            acquireTimeout: .milliseconds(200),
            idleTimeout: .milliseconds(300)
        )
        var model = Model(state: PoolState(limits: limits, seed: seed), random: random)
        try model.obey(model.state.openMore(model.now))
        for _ in 0..<400 {
            try model.step()
            try model.check()
        }
        try model.obey(model.state.close())
        #expect(model.deadlines.isEmpty && model.free.isEmpty && model.opening.isEmpty)
        for id in model.users.keys.sorted() {
            try model.obey(model.state.released(id, isReusable: true, now: model.now))
        }
        #expect(model.state.isDrained)
        #expect(limits.waiters == 0 || model.served > 0)
    }
}
