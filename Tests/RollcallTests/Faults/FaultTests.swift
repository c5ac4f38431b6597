import LibPQ
import TestSupport
import Testing

/// Replicas that stop, freeze and are replaced, and a database that fails over.
@Suite("Faults: replicas", .timeLimit(.minutes(15)))
struct FaultTests {
    @Test
    func `a holder that stands still past its lease is replaced, and does no harm when it goes on`() async throws {
        let verdict = try await FaultRun.endure(
            "frozen holder",
            "SIGSTOP of a replica for 8 s, longer than its lease",
            settings: Array(repeating: Self.oneCall, count: 2)
        ) { run in
            try await run.until("both replicas act") { Set(FaultRun.accounts.map { run.holder(of: $0) }).count == 2 }
            let frozen = try #require(run.holder(of: "main"))
            run.freeze(frozen)
            run.countFromNow()
            try await run.last(.seconds(8))
            #expect(run.holder(of: "main") != frozen)
            run.thaw(frozen)
        }
        // What it sends late was past its check of the lease in that very instant; of its account it makes one call at a time.
        #expect(verdict.lateFromFrozen <= 1)
    }

    /// One call at a time of each account.
    private static let oneCall = Dictionary(
        uniqueKeysWithValues: FaultRun.accounts.map { ("ROLLCALL_ENGINE_\($0.uppercased())_CONCURRENCY", "1") }
    )

    @Test(.enabled(if: FaultSuite.runsAll))
    func `replicas that are killed at any moment and replaced lose nothing`() async throws {
        try await FaultRun.endure("kill -9", "kill -9 of one of two replicas, 6 times at any moment, another started") {
            run in
            for round in 0..<6 {
                let victim = try #require(run.live.first?.number)
                try await run.kill(victim)
                run.countFromNow()
                try await run.add()
                try await run.untilTaken(20 + round * 7)
            }
        }
    }

    @Test(.enabled(if: FaultSuite.runsAll))
    func `a rolling restart under load is noticed by nobody`() async throws {
        try await FaultRun.endure("rolling restart", "3 times: one more replica, then SIGTERM to the oldest") { run in
            for _ in 0..<3 {
                try await run.add()
                let oldest = try #require(run.live.first?.number)
                run.countFromNow()
                try await run.stop(oldest)
                try await run.untilTaken(60)
            }
            let untaken = run.load.attempts.filter { !$0.isTaken }
            #expect(untaken.allSatisfy { attempt in run.replicas[attempt.replica].isGone }, "\(untaken.prefix(5))")
        }
    }

    @Test(.enabled(if: FaultSuite.runsAll), arguments: Outage.allCases)
    func `an engine that is away is caught up with once it is back`(outage: Outage) async throws {
        try await FaultRun.endure("engine outage", outage.rawValue) { run in
            let since = FaultLoad.now()
            try await run.engine.admin("PUT", "faults", outage.fault)
            try await run.last(.seconds(15))
            try await run.engine.admin("DELETE", "faults")
            run.countFromNow()
            let untaken = run.load.attempts(from: since).filter { !$0.isTaken }
            #expect(untaken.isEmpty, "no event waits for an engine: \(untaken.prefix(5))")
        }
    }

    /// How an engine is away.
    enum Outage: String, CaseIterable {
        case refuses = "every call fails for 15 s (503)"
        case drops = "every call fails for 15 s (drop)"
        case hangs = "no call is answered within its caller's time-out, for 15 s"
        case refusesCredential = "every call is answered 401 for 15 s"

        private static let words = #""message":"No answer for +\#(FaultRun.phone)""#

        /// What the simulator is told.
        var fault: String {
            switch self {
            case .refuses:
                // The page of an `outage` with 503, but for its words.
                #"{"kind":"error","scope":"all","params":{"http_status":503,"format":"html",\#(Self.words)}}"#
            case .drops: #"{"kind":"outage","scope":"all","params":{"mode":"drop"}}"#
            case .hangs:
                // In simulated time: five real seconds, and the caller waits for three.
                #"{"kind":"outage","scope":"all","params":{"mode":"hang","ms":\#(5000 * Installation.speed)}}"#
            case .refusesCredential: #"{"kind":"unauthorized","scope":"all"}"#
            }
        }
    }
}
