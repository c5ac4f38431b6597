import Service
import TestSupport
import Testing

/// A holder that stands still with a command in hand, past its lease, while what is wanted of the session turns.
@Suite("Faults: freezes", .timeLimit(.minutes(5)))
struct FreezeTests {
    /// How often each session is looked at, as a replica of ``FaultRun`` is set.
    private static let sweepInterval: Int64 = 2_000_000
    /// The longest that a call may take, as above.
    private static let callTimeout: Int64 = 3_000_000
    /// How long a session that went down is given before it counts as down.
    ///
    /// More than the gap: nobody but the one that stood still knows when its late stop ended.
    private static let confirmAfter: Int64 = 4_000_000
    private static let confirm = ["ROLLCALL_CONFIRM_AFTER": "4s"]

    /// What the holder has in hand.
    private enum Hand: String {
        case start, stop

        /// What brings it about, and at last what turns it into the wrong thing.
        var events: [String] {
            switch self {
            case .start: ["clock_in", "clock_out"]
            case .stop: ["clock_in", "clock_out", "clock_in"]
            }
        }

        var undoneBy: Hand { self == .start ? .stop : .start }
    }

    @Test
    func `a start that leaves after its lease is counted, seen by the next look and undone`() async throws {
        try await freeze(.start, at: .afterLeaseCheck)
    }

    @Test(.enabled(if: FaultSuite.runsAll))
    func `a stop that leaves after its lease is counted, seen by the next look and undone`() async throws {
        try await freeze(.stop, at: .afterLeaseCheck)
    }

    @Test
    func `a command whose lease has run out before the check never leaves`() async throws {
        try await freeze(.start, at: .beforeEngineCall)
    }

    /// Freezes a holder with a command in hand until another acts and everything has converged, then lets it go on.
    private func freeze(_ hand: Hand, at point: CrashPoints.Point) async throws {
        let isLate = point == .afterLeaseCheck
        let port = try LoopbackPort.free()
        var settings = Self.confirm
        // A stop is its second command.
        settings["ROLLCALL_FREEZE_AT"] = "\(point.rawValue):\(hand.events.count - 1)"
        settings["ROLLCALL_METRICS_PORT"] = "\(port)"
        let verdict = try await FaultRun.endure(
            "frozen in a call",
            "SIGSTOP of the holder with a \(hand.rawValue) in hand, right \(isLate ? "after" : "before") the check of its "
                + "lease, until another had brought the session where it should be by then",
            settings: [settings],
            driving: []
        ) { run in
            let scene = try await Scene(run)
            // A late one comes when every call of before is long over; one that must not come need only be late.
            try await scene.freeze(hand.events, for: isLate ? 8_000_000 : 0)
            if isLate {
                let late = try await scene.late(hand.rawValue)
                // What undoes it may have come by now.
                run.count(from: late.receivedAtUs + 1)
                try await scene.expectRepair(of: late, by: hand.undoneBy.rawValue)
                try await scene.expectCounted(1, atPort: port)
            } else {
                try await run.until("it knows that it lost the account") { scene.hasLostAccount }
                run.countFromNow()
                await scene.clock("clock_in")
                try await run.until("it runs") { try await scene.hasConverged("in") }
                try await scene.expectCounted(0, atPort: port)
                let callers = try await scene.calls().filter { $0.operation != "info" }.map(\.caller)
                #expect(callers == [scene.other], "\(callers)")
            }
        }
        #expect(verdict.lateFromFrozen == (isLate ? 1 : 0))
    }

    /// One agent with a session, and the two replicas: 0, which acts for it first, and another.
    private struct Scene {
        let run: FaultRun
        let other: Int
        let account: String
        let agent: String

        /// Begins with replica 0 alone, so that it keeps one of the two accounts when the other comes, and is not given it back
        /// after its freeze: of two accounts that one has the first moves.
        init(_ run: FaultRun) async throws {
            self.run = run
            let other = try await run.add(FreezeTests.confirm)
            self.other = other
            try await run.until("both replicas act") {
                Set(FaultRun.accounts.map { run.holder(of: $0) }) == [0, other]
            }
            let index = try #require(FaultRun.accounts.firstIndex { run.holder(of: $0) == 0 })
            account = FaultRun.accounts[index]
            agent = FaultRun.workers[index]
        }

        var instance: String { "i-\(agent)" }

        func calls() async throws -> [SimulatedEngine.Call] {
            try await run.engine.calls().filter { $0.instanceId == instance }
        }

        /// Posts an event of the agent to the other replica, which at no time keeps it waiting.
        func clock(_ kind: String) async {
            let now = FaultLoad.now()
            let event = History.Event(id: "\(agent)-\(now)", agent: agent, kind: kind, occurredAt: now)
            await run.load.post(event, to: other)
        }

        func hasConverged(_ shift: String) async throws -> Bool {
            try await run.ends().contains { end in
                end.agent == agent && end.shift == shift && end.condition == "converged"
                    && end.session == (shift == "in" ? "WORKING" : "STOPPED")
            }
        }

        /// Posts what leads to the command, and what turns it into the wrong one while replica 0 stands still with it; lets it go
        /// on once the other has settled everything.
        ///
        /// `length`: how long it stands still at least, in microseconds.
        func freeze(_ events: [String], for length: Int64) async throws {
            for kind in events.dropLast(2) {
                await clock(kind)
                try await run.until("it runs") { try await hasConverged("in") }
            }
            await clock(events[events.count - 2])
            try await run.untilFrozen(0)
            let frozenAt = FaultLoad.now()
            await clock(events[events.count - 1])
            try await run.until("another acts for the account") { run.holder(of: account) == other }
            let shift = events.last == "clock_in" ? "in" : "out"
            try await run.until("the session is where it should be, and \(length) us have passed") {
                let isThere = try await hasConverged(shift)
                return isThere && FaultLoad.now() - frozenAt > length
            }
            run.thaw(0)
        }

        /// The command that replica 0 sends when it goes on.
        func late(_ operation: String) async throws -> SimulatedEngine.Call {
            let thawedAt = try #require(run.freezes.first?.to)
            var late: SimulatedEngine.Call?
            try await run.until("the late command arrives and is answered") {
                late = try await calls().first { call in
                    call.caller == 0 && call.operation != "info" && call.receivedAtUs >= thawedAt
                        && call.answeredMonotonicUs != nil
                }
                return late != nil
            }
            let found = try #require(late)
            #expect(found.operation == operation)
            #expect(found.effect != "none", "it did the wrong thing")
            return found
        }

        /// Whether replica 0 has noticed that another acts for the account.
        var hasLostAccount: Bool {
            run.replicas[0].process.output.split(separator: "\n").contains { line in
                line.contains(#""message":"lease laid down""#) && LogLine(line)?.metadata["account"] == account
            }
        }

        /// Waits for what undoes a late command, and checks that the next look of the sweep led to it.
        func expectRepair(of late: SimulatedEngine.Call, by operation: String) async throws {
            var after: [SimulatedEngine.Call] = []
            try await run.until("it is undone") {
                after = try await calls().filter { call in
                    call.caller == other && call.receivedMonotonicUs > late.receivedMonotonicUs
                }
                return after.contains { $0.operation != "info" }
            }
            let look = try #require(after.first { $0.operation == "info" })
            let repair = try #require(after.first { $0.operation != "info" })
            let seen = look.receivedMonotonicUs - late.receivedMonotonicUs
            let undone = repair.receivedMonotonicUs - late.receivedMonotonicUs
            print("a late \(late.operation) was seen after \(seen / 1000) ms and undone after \(undone / 1000) ms")
            #expect(repair.operation == operation)
            // An interval of the sweep, and what the look before it may have taken.
            let seenWithin = FreezeTests.sweepInterval + FreezeTests.callTimeout
            #expect(seen <= seenWithin)
            // A session that came up goes down at once; one that went down is given its time, and looked at again.
            let pause = operation == "start" ? FreezeTests.confirmAfter : 0
            #expect(undone <= seenWithin + FreezeTests.callTimeout + pause)
        }

        /// Checks what the replica that stood still says itself of its late commands.
        func expectCounted(_ count: Int, atPort port: Int) async throws {
            let line = #"rollcall_late_commands_total{account="\#(account)"} \#(count)"# + "\n"
            try await run.until("it counts \(count)") {
                try await PlainHTTP(port: port).send("GET", "/metrics").text.contains(line)
            }
            let warnings = run.replicas[0].process.output.split(separator: "\n").filter { line in
                line.contains(#""message":"a command may have reached the engine after its lease had run out""#)
                    && line.contains(#""level":"warning""#)
            }
            #expect(warnings.count == count)
        }
    }
}
