import Domain
import Testing

/// Faults that come back: how they are slowed down, and what is left to a person.
@Suite("decide: what comes back")
struct DecideRepeatedTests {
    private let now = Timestamp(seconds: 1_800_000_000)
    private let policy = ReconcilePolicy()
    private let running = DesiredState(run: .running, rule: .shift)

    private func decision(_ evidence: Evidence, _ desired: RunState = .running) -> Decision {
        decide(
            DesiredState(run: desired, rule: .shift),
            evidence: evidence,
            isAccountRefused: false,
            policy: policy,
            now: now
        )
    }

    /// A session that went down by itself a minute ago, after so many falls, the last so long ago.
    private func fallen(_ falls: Int, last: Duration) -> Evidence {
        Evidence(
            reading: .status(.stopped),
            readAt: now,
            readingSince: now - .seconds(60),
            deviatingSince: now - .seconds(60),
            falls: (0..<falls).reversed().map { now - last - .seconds($0) }
        )
    }

    @Test(arguments: [
        (0, 1, true), (1, 1, true), (2, 1, true), (3, 29, false), (3, 30, true), (4, 59, false), (4, 60, true),
        (5, 119, false),
        (5, 120, true), (6, 239, false), (6, 240, true), (7, 299, false), (7, 300, true), (40, 299, false),
        (40, 300, true),
    ])
    func `a session that goes down by itself is started ever more slowly, and never given up`(
        falls: Int,
        seconds: Int,
        starts: Bool
    ) {
        let made = decision(fallen(falls, last: .seconds(seconds)))
        if starts {
            #expect(made.action == .start && made.reason == .wentDown)
        } else {
            #expect(made.action == nil && made.reason == .keepsFalling && made.condition == .needsAttention)
            #expect(made.lookAgainAt.map { $0 > now } == true)
        }
    }

    @Test
    func `an outcome that is written twice counts once`() {
        var evidence = Evidence()
        for (id, instant) in [(1, now - .seconds(100)), (2, now)] as [(Int64, Timestamp)] {
            evidence.intend(.restart, id: id, at: instant, restartWindow: policy.restartWindow)
        }
        for _ in 1...2 {
            evidence.take(
                outcome: EngineAnswer(verdict: .notSent),
                of: 2,
                sentAt: now,
                endedAt: now,
                callTimeout: policy.callTimeout
            )
        }
        #expect(evidence.restarts == [now - .seconds(100)] && evidence.attempts == 1)
    }

    @Test
    func `a stop that takes effect long after its sender was lost is followed by the gap`() {
        var policy = policy
        policy.confirmAfter = .zero
        var evidence = Evidence()
        evidence.take(read: .status(.working), sentAt: now - .seconds(100), desired: .running)
        evidence.intend(.stop, id: 1, at: now - .seconds(90), restartWindow: policy.restartWindow)
        // Who took over read that it works, long after all time-outs; then the frozen sender goes on.
        evidence.take(read: .status(.working), sentAt: now - .seconds(10), desired: .running)
        evidence.take(read: .status(.stopped), sentAt: now - .seconds(1), desired: .running)
        let made = decide(running, evidence: evidence, isAccountRefused: false, policy: policy, now: now)
        #expect(made.action == nil && made.reason == .stopGap && made.lookAgainAt == now + .seconds(2))
        let later = now + .seconds(2)
        evidence.take(read: .status(.stopped), sentAt: later, desired: .running)
        let then = decide(running, evidence: evidence, isAccountRefused: false, policy: policy, now: later)
        #expect(then.action == .start)
    }

    @Test(arguments: EngineVerdict.allCases)
    func `a stop without a clear answer may go on until its time is over, or until it is read as done`(
        verdict: EngineVerdict
    ) {
        var evidence = Evidence()
        evidence.intend(.stop, id: 1, at: now, restartWindow: policy.restartWindow)
        let endedAt = now + .milliseconds(100)
        evidence.take(
            outcome: EngineAnswer(verdict: verdict),
            of: 1,
            sentAt: now,
            endedAt: endedAt,
            callTimeout: policy.callTimeout
        )
        guard verdict != .notSent else { return #expect(evidence.lastStopEndedAt == nil) }
        #expect(evidence.lastStopEndedAt == (verdict.isUnclear ? now + policy.callTimeout : endedAt))
        // What left at the same instant may have left before it.
        evidence.take(read: .status(.stopped), sentAt: now, desired: .running)
        #expect(evidence.lastStopEndedAt == (verdict.isUnclear ? now + policy.callTimeout : endedAt))
        evidence.take(read: .status(.stopped), sentAt: now + .seconds(1), desired: .running)
        #expect(evidence.lastStopEndedAt == (verdict.isUnclear ? now + .seconds(1) : endedAt))
    }

    @Test(arguments: [(100, 3_000), (1_000, 3_000), (3_000, 3_000), (5_000, 5_000)])
    func `a stop whose caller waited for a moment only goes on for the 3 s that it sleeps in the engine`(
        timeout: Int,
        lasts: Int
    ) {
        var policy = policy
        policy.callTimeout = .milliseconds(timeout)
        var evidence = Evidence()
        evidence.intend(.stop, id: 1, at: now, restartWindow: policy.restartWindow)
        evidence.take(
            outcome: EngineAnswer(verdict: .ambiguous),
            of: 1,
            sentAt: now,
            endedAt: now + policy.callTimeout,
            callTimeout: policy.callTimeout
        )
        let end = now + .milliseconds(lasts)
        #expect(evidence.lastStopEndedAt == end)
        func decided(at instant: Timestamp) -> Decision {
            evidence.take(read: .status(.stopped), sentAt: instant, desired: .running)
            return decide(running, evidence: evidence, isAccountRefused: false, policy: policy, now: instant)
        }
        let gapEnd = end + policy.stopStartGap
        #expect(decided(at: end + .seconds(1)) == Decision(nil, .stopGap, .starting, lookAgainAt: gapEnd))
        #expect(decided(at: gapEnd).action == .start)
    }

    @Test
    func `after a stop of which nothing is known nothing is sent until what it sleeps and the gap are over`() {
        var policy = policy
        policy.callTimeout = .seconds(1)
        // It was STOPPED before: a start was on its way.
        var evidence = Evidence(reading: .status(.stopped), readAt: now - .seconds(9), readingSince: now - .seconds(9))
        evidence.intend(.stop, id: 1, at: now, restartWindow: policy.restartWindow)
        func decided(at instant: Timestamp) -> Decision {
            evidence.take(read: .status(.stopped), sentAt: instant, desired: .running)
            return decide(running, evidence: evidence, isAccountRefused: false, policy: policy, now: instant)
        }
        let over = now + .seconds(3) + policy.stopStartGap
        #expect(decided(at: now + .seconds(5)) == Decision(nil, .outcomeUnknown, .starting, lookAgainAt: over))
        #expect(decided(at: over).action == .start)
    }

    @Test
    func `a session that something else starts again and again is stopped at growing distances`() {
        let off = DesiredState(run: .stopped, rule: .shift)
        var evidence = Evidence()
        evidence.intend(.start, id: 1, at: now - .seconds(500), isAfterFall: true, restartWindow: policy.restartWindow)
        evidence.intend(.stop, id: 2, at: now - .seconds(400), restartWindow: policy.restartWindow)
        #expect(evidence.falls.isEmpty, "what it did before the opposite was wanted counts no more")
        for stop in 1...policy.fallLimit {
            let at = now - .seconds(200 - Int64(stop))
            evidence.intend(.stop, id: at.microseconds, at: at, isAfterFall: true, restartWindow: policy.restartWindow)
            evidence.take(
                outcome: EngineAnswer(verdict: .ok),
                of: at.microseconds,
                sentAt: at,
                endedAt: at,
                callTimeout: policy.callTimeout
            )
            evidence.attempts = 0
        }
        let last = evidence.falls.last ?? now
        evidence.take(read: .status(.working), sentAt: last + .seconds(2), desired: .stopped)
        func decided(at now: Timestamp) -> Decision {
            decide(off, evidence: evidence, isAccountRefused: false, policy: policy, now: now)
        }
        let until = last + policy.firstFallDelay
        let waiting = Decision(nil, .keepsComingUp, .needsAttention, lookAgainAt: until)
        #expect(decided(at: last + .seconds(3)) == waiting)
        #expect(decided(at: until) == Decision(.stop, .cameUp, .drifted))
    }

    @Test
    func `falls of long ago are forgotten, and a start that somebody clocked in for counts as none`() {
        #expect(decision(fallen(40, last: policy.restartWindow)).action == .start)
        var evidence = Evidence()
        evidence.intend(.start, id: 1, at: now, restartWindow: policy.restartWindow)
        #expect(evidence.falls.isEmpty)
        for minute in 0..<100 {
            evidence.intend(
                .start,
                id: Int64(minute),
                at: now + .seconds(minute * 60),
                isAfterFall: true,
                restartWindow: policy.restartWindow
            )
        }
        #expect(evidence.falls.count == 30)
    }

    @Test
    func `a start that was not sent is no fall`() {
        var evidence = Evidence()
        evidence.intend(.start, id: now.microseconds, at: now, isAfterFall: true, restartWindow: policy.restartWindow)
        #expect(evidence.falls.count == 1)
        evidence.take(
            outcome: EngineAnswer(verdict: .notSent),
            of: now.microseconds,
            sentAt: now,
            endedAt: now,
            callTimeout: policy.callTimeout
        )
        #expect(evidence.falls.isEmpty)
    }

    @Test
    func `a session that works without an account is shown as suspect after a while, and nothing is done`() {
        func evidence(since: Duration) -> Evidence {
            Evidence(reading: .status(.suspect), readAt: now, readingSince: now - since)
        }
        let young = decision(evidence(since: .seconds(5)))
        #expect(young.action == nil && young.reason == .booting && young.lookAgainAt == now + .seconds(10))
        let old = decision(evidence(since: policy.confirmAfter))
        #expect(old.action == nil && old.reason == .suspect && old.condition == .needsAttention)
        #expect(decision(evidence(since: .seconds(60)), .stopped).action == .stop)
        var asked = evidence(since: .seconds(60))
        asked.rebootAskedAt = now
        #expect(decision(asked).action == .stop)
    }
}
