import Domain
import Synchronization
import Testing

@testable import Service

@Suite("AccountWorker", .timeLimit(.minutes(1)))
struct AccountWorkerTests {
    @Test
    func `only who holds the lease looks: the account's budget is its holder's`() throws {
        for (holding, looks) in [(true, 1), (false, 0)] {
            let scene = WorkerScene(holding: holding)
            let wantsLook = scene.plan(1, desired: .stopped, Evidence())
            try #require(wantsLook.decision.wantsLook(at: scene.clock.now()))
            try scene.run { worker in worker.carryOut([wantsLook]) }
            #expect(scene.engine.calls == Array(repeating: "info 1", count: looks))
        }
    }

    @Test
    func `a start that waits in line is withdrawn once its agent is off shift`() throws {
        let scene = WorkerScene()
        let down = Evidence(reading: .status(.stopped), readAt: scene.clock.now(), readingSince: scene.clock.now())
        let starts = (1...4).map { scene.plan($0, desired: .running, down) }
        let clockOut = scene.plan(4, desired: .stopped, starts[3].subject.evidence)
        #expect(starts.allSatisfy { $0.command?.action == .start } && clockOut.overtaken == starts[3].command?.key)
        try scene.run { worker in
            worker.carryOut(starts)
            worker.carryOut([clockOut])
            #expect(worker.passes.count == 1, "that it was not sent is written down")
        }
        #expect(scene.engine.calls.sorted() == ["start 1", "start 2", "start 3"])
    }

    @Test
    func `sessions that wait for a scan keep no other look waiting`() throws {
        let scene = WorkerScene(isLeaseStored: true)
        // All of them are due a moment after the worker has them, and take four seconds at ten calls a second.
        let readAt = scene.clock.now() + .milliseconds(1200) - ReconcilePolicy().pairingLook
        let unscanned = Evidence(reading: .status(.scanQRCode), readAt: readAt, readingSince: readAt)
        let waiting = (1...40).map { scene.plan($0, desired: .running, unscanned) }
        #expect(waiting.allSatisfy { $0.decision.reason == .pairingRequired && $0.looksWhenDue && $0.dueAt != nil })
        let wantsLook = scene.plan(99, desired: .stopped, Evidence())
        // An engine's hint about the last of them, or a person.
        var isHinted = scene.plan(40, desired: .running, unscanned)
        isHinted.decision.lookAgainAt = scene.clock.now()
        isHinted.priority = .repair
        isHinted.isLookWanted = true
        let plans = [wantsLook, isHinted]
        let scheduler = scene.scheduler
        let before = Mutex(0)
        let engine = scene.engine
        try scene.run { worker in
            worker.carryOut(waiting)
            scheduler.after(1_000_000) {
                before.withLock { $0 = engine.calls.count }
                worker.carryOut(plans)
            }
        }
        let count = before.withLock { $0 }
        for session in [99, 40] {
            let place = try #require(scene.engine.calls.firstIndex(of: "info \(session)"))
            #expect(count > 5 && place <= count + 1 + WorkerScene.width, "\(session) is call \(place), after \(count)")
        }
        #expect(scene.engine.calls.count > count + 10, "and the others go on")
    }

    @Test
    func `what a person's start waits for goes before repairs, and so does what a person wants to see`() throws {
        let scene = WorkerScene(isLeaseStored: true)
        let now = scene.clock.now()
        let down = Evidence(reading: .status(.stopped), readAt: now, readingSince: now)
        let repairs = (1...20 as ClosedRange<Int64>).map { number in
            var repair = scene.plan(number, desired: .running, down)
            repair.priority = .repair
            return repair
        }
        let longAgo = now - .seconds(3600)
        let old = Evidence(reading: .status(.stopped), readAt: longAgo, readingSince: longAgo)
        let clockedIn = scene.plan(98, desired: .running, old)
        #expect(clockedIn.decision.reason == .lookFirst && clockedIn.lookPurpose == .person)
        let working = Evidence(reading: .status(.working), readAt: now, readingSince: now)
        var isWanted = scene.plan(99, desired: .running, working)
        isWanted.decision.lookAgainAt = now
        isWanted.isLookWanted = true
        let plans = [clockedIn, isWanted]
        let scheduler = scene.scheduler
        let before = Mutex(0)
        let engine = scene.engine
        try scene.run { worker in
            worker.carryOut(repairs)
            scheduler.after(500_000) {
                before.withLock { $0 = engine.calls.count }
                worker.carryOut(plans)
            }
        }
        let count = before.withLock { $0 }
        #expect(count > 2 && count < 12, "most repairs still wait")
        for session in [98, 99] {
            let place = try #require(scene.engine.calls.firstIndex(of: "info \(session)"))
            #expect(place <= count + 1 + WorkerScene.width, "\(session) is call \(place), after \(count)")
        }
    }

    @Test(arguments: [true, false])
    func `a look that is wanted while one is under way is made once more`(isWanted: Bool) throws {
        let scene = WorkerScene(isLeaseStored: true, answersAfter: 300_000)
        let now = scene.clock.now()
        let down = Evidence(reading: .status(.stopped), readAt: now, readingSince: now)
        var look = scene.plan(1, desired: .stopped, down)
        look.decision.lookAgainAt = now
        var hint = look
        hint.isLookWanted = isWanted
        let (first, second) = (look, hint)
        let scheduler = scene.scheduler
        try scene.run { worker in
            worker.carryOut([first])
            for later in [100_000, 200_000] as [Int64] { scheduler.after(later) { worker.carryOut([second]) } }
        }
        #expect(scene.engine.calls == Array(repeating: "info 1", count: isWanted ? 2 : 1))
    }

    @Test
    func `a command is not over before it is written what became of it`() throws {
        let scene = WorkerScene(verdict: .ambiguous)
        let down = Evidence(reading: .status(.stopped), readAt: scene.clock.now(), readingSince: scene.clock.now())
        let start = scene.plan(1, desired: .running, down)
        let (clock, scheduler) = (scene.clock, scene.scheduler)
        /// Whether the outcome is still to be written, and whether the command may still count as under way.
        let seen = Mutex<[(isUnwritten: Bool, mayHaveLeft: Bool)]>([])
        try scene.run { worker in
            worker.carryOut([start])
            for step in 1...2000 {
                scheduler.after(Int64(step) * 100) {
                    let mayHaveLeft = worker.leases.mayHaveLeft(1, of: 1, now: clock.now()) != nil
                    seen.withLock { $0.append((worker.passes.hasOutcomes, mayHaveLeft)) }
                }
            }
        }
        let samples = seen.withLock { $0 }
        #expect(samples.contains { $0.isUnwritten })
        #expect(samples.allSatisfy { $0.mayHaveLeft || !$0.isUnwritten })
        #expect(samples.last?.mayHaveLeft == false)
    }

    @Test
    func `what waits in line when the engine refuses the account does not leave`() throws {
        let scene = WorkerScene(verdict: .auth)
        let down = Evidence(reading: .status(.stopped), readAt: scene.clock.now(), readingSince: scene.clock.now())
        let starts = (1...9).map { scene.plan($0, desired: .running, down) }
        try scene.run { worker in worker.carryOut(starts) }
        // As many as are let through at a time.
        #expect((1...WorkerScene.width).contains(scene.engine.calls.count), "\(scene.engine.calls)")
    }

    @Test
    func `what was taken back on its way counts as never sent, and as looked at neither`() throws {
        let scene = WorkerScene(verdict: .notSent)
        let down = Evidence(reading: .status(.stopped), readAt: scene.clock.now(), readingSince: scene.clock.now())
        let start = scene.plan(1, desired: .running, down)
        let wantsLook = scene.plan(2, desired: .stopped, Evidence())
        let (clock, scheduler) = (scene.clock, scene.scheduler)
        let remains = Mutex<[Bool]>([])
        try scene.run { worker in
            worker.carryOut([start, wantsLook])
            let mayHaveLeft = worker.leases.mayHaveLeft(1, of: 1, now: clock.now()) != nil
            remains.withLock { $0 = [mayHaveLeft, worker.isLooking(at: 2)] }
            scheduler.after(500_000) {
                let mayHaveLeft = worker.leases.mayHaveLeft(1, of: 1, now: clock.now()) != nil
                let isAsked = worker.standing.activity.calls.unansweredSince != nil
                remains.withLock { $0 += [mayHaveLeft, worker.isLooking(at: 2), worker.calls.underWay > 0, isAsked] }
            }
        }
        #expect(scene.engine.takenBack == [.microseconds(1), .microseconds(1)], "bound to the lease that is held")
        #expect(scene.engine.calls.isEmpty)
        #expect(remains.withLock { $0 } == [true, true, false, false, false, false])
    }

    @Test
    func `what is kept back at the end is written also where the lanes end before it`() throws {
        let scene = WorkerScene()
        let down = Evidence(reading: .status(.stopped), readAt: scene.clock.now(), readingSince: scene.clock.now())
        let starts = (1...9).map { scene.plan($0, desired: .running, down) }
        let scheduler = scene.scheduler
        let left = Mutex<[Int]>([])
        try scene.run { worker in
            worker.carryOut(starts)
            // The first half of an end; the second comes half a second later.
            let waiting = worker.calls.close()
            scheduler.after(500_000) {
                for job in waiting { worker.giveUp(job) }
                left.withLock { $0 = [waiting.count, worker.passes.count] }
                worker.drain()
                scheduler.after(100_000) { left.withLock { $0.append(worker.passes.count) } }
            }
        }
        let counts = left.withLock { $0 }
        #expect(counts.count == 3 && counts[0] > 1 && counts[0] == counts[1])
        #expect(counts.last == 0, "nobody writes them any more")
    }

    @Test
    func `what was planned before the lease ran out is due in memory should the lease go on`() throws {
        let scene = WorkerScene()
        let down = Evidence(reading: .status(.stopped), readAt: scene.clock.now(), readingSince: scene.clock.now())
        let start = scene.plan(1, desired: .running, down)
        let wantsLook = scene.plan(2, desired: .stopped, Evidence())
        var later = scene.plan(3, desired: .stopped, down)
        later.dueAt = scene.clock.now() + .seconds(100)
        let plans = [start, wantsLook, later]
        try scene.run { worker in
            worker.leases.replace(with: [1: HeldLease(term: 1, deadline: 0)])
            worker.carryOut(plans)
            #expect(worker.timers.count == plans.count)
        }
        #expect(scene.engine.calls.isEmpty)
    }

    @Test
    func `a look of a sweep that somebody wanted meanwhile is thought over`() throws {
        for isWanted in [false, true] {
            let scene = WorkerScene()
            let batch = Mutex<PassLoop.Batch?>(nil)
            try scene.runLanes { worker in
                let address = SessionAddress(instanceID: "1")
                let expected = SessionReading.status(.stopped)
                guard worker.look(1, address, priority: .sweep, expected: expected),
                    let call = await worker.calls.next(), case .look(let look) = call.job
                else { return }
                // It is on its way.
                if isWanted { worker.look(1, address, priority: .repair) }
                _ = await worker.read(look, CallDeparture())
                let next = await worker.passes.next()
                batch.withLock { $0 = next }
            }
            let written = try #require(batch.withLock { $0 })
            #expect(written.items.count == (isWanted ? 1 : 0))
            #expect(written.looks.count == (isWanted ? 0 : 1))
        }
    }

    @Test
    func `what waits for later is thought over as soon as the engine accepts the account again`() throws {
        let scene = WorkerScene()
        let (clock, scheduler) = (scene.clock, scene.scheduler)
        let waiting = Mutex<Int?>(nil)
        try scene.run { worker in
            worker.timers.schedule(7, at: clock.now() + .seconds(300), priority: .people)
            worker.timers.schedule(8, at: clock.now() + .seconds(300), priority: .people)
            worker.timers.cancel(8)
            worker.heed(.accepted)
            scheduler.after(100_000) { waiting.withLock { $0 = worker.timers.count } }
        }
        #expect(waiting.withLock { $0 } == 0)
    }

    @Test
    func `what could only be kept back again is not thought over while it drains`() throws {
        let scene = WorkerScene()
        let down = Evidence(reading: .status(.stopped), readAt: scene.clock.now(), readingSince: scene.clock.now())
        // What a pass says then: it is due, and nobody here may act.
        let due = scene.plan(1, desired: .running, down, mayAct: false)
        #expect(due.command == nil && due.dueAt == scene.clock.now())
        try scene.run { worker in
            worker.carryOut([due])
            #expect(worker.timers.count == 1)
            worker.drain()
            #expect(worker.timers.count == 0)
            worker.carryOut([due])
            #expect(worker.timers.count == 0)
        }
    }
}
