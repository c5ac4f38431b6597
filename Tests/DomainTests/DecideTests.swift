import Domain
import Testing

@Suite("decide")
struct DecideTests {
    private let now = Timestamp(seconds: 1_800_000_000)
    private let policy = ReconcilePolicy()
    private let running = DesiredState(run: .running, rule: .shift)
    private let stopped = DesiredState(run: .stopped, rule: .shift)

    private static let readings: [SessionReading?] = [
        nil, .missing, .status(.stopped), .status(.starting), .status(.scanQRCode), .status(.working), .status(.failed),
        .status(.unknown("PASSKEY_REQUIRED")), .status(.suspect),
    ]

    private func decision(_ desired: DesiredState, _ evidence: Evidence, policy: ReconcilePolicy? = nil) -> Decision {
        decide(desired, evidence: evidence, isAccountRefused: false, policy: policy ?? self.policy, now: now)
    }

    private func read(_ reading: SessionReading?, ago: Duration = .seconds(2)) -> Evidence {
        Evidence(reading: reading, readAt: reading.map { _ in now - ago }, readingSince: reading.map { _ in now - ago })
    }

    /// Every reading with every last command, verdict and age.
    private func allEvidence() -> [Evidence] {
        var all: [Evidence] = []
        for reading in Self.readings {
            for age in [Duration.zero, .seconds(2), .seconds(70), .seconds(4000)] {
                all.append(read(reading, ago: age))
                for action in Action.allCases {
                    for verdict in [EngineVerdict?.none] + EngineVerdict.allCases.map(Optional.some) {
                        for sent in [Duration.milliseconds(500), .seconds(3), .seconds(20), .seconds(100)] {
                            var evidence = read(reading, ago: age)
                            let sentAt = now - sent
                            evidence.lastCommand = CommandRecord(
                                id: 1,
                                action: action,
                                sentAt: sentAt,
                                endedAt: verdict.map { _ in sentAt + .milliseconds(100) },
                                verdict: verdict
                            )
                            evidence.lastStopEndedAt = action == .stop ? sentAt + .milliseconds(100) : nil
                            evidence.attempts = 1
                            all.append(evidence)
                        }
                    }
                }
            }
        }
        return all
    }

    @Test
    func `a session that should be stopped is never started`() {
        for evidence in allEvidence() {
            #expect(![.start, .restart].contains(decision(stopped, evidence).action))
        }
    }

    @Test
    func `a session that should run is stopped only when somebody asks for a reboot`() {
        for evidence in allEvidence() { #expect(decision(running, evidence).action != .stop) }
    }

    @Test
    func `whatever is not settled has a command, a time to look again, or needs somebody`() {
        for evidence in allEvidence() {
            for desired in [running, stopped] {
                let decision = decision(desired, evidence)
                let waitsForSomebody: Bool =
                    switch decision.condition {
                    case .converged, .needsAttention, .needsPairing, .unknown: true
                    case .starting, .stopping, .drifted, .held, .unassigned: false
                    }
                #expect(decision.action != nil || decision.lookAgainAt != nil || waitsForSomebody)
            }
        }
    }

    @Test
    func `within the gap after a stop nothing is started`() {
        for evidence in allEvidence() {
            guard let stoppedAt = evidence.lastStopEndedAt, now - stoppedAt < policy.stopStartGap else { continue }
            #expect(decision(running, evidence).action == nil)
        }
    }

    @Test
    func `an unanswered command permits reads only until its time-out and the gap are over`() {
        for evidence in allEvidence() {
            guard let command = evidence.lastCommand, command.endedAt == nil,
                now < command.sentAt + policy.callTimeout + policy.stopStartGap
            else { continue }
            #expect(decision(running, evidence).action == nil)
            #expect(decision(stopped, evidence).action == nil)
        }
    }

    @Test
    func `a claim never converges without a read a second later`() {
        for evidence in allEvidence() {
            guard let endedAt = evidence.lastCommand?.endedAt, let readAt = evidence.readAt,
                readAt < endedAt + policy.confirmationDelay
            else { continue }
            #expect(decision(running, evidence).condition != .converged)
            #expect(decision(stopped, evidence).condition != .converged)
        }
    }

    @Test
    func `in steady state there is no command`() {
        #expect(decision(running, read(.status(.working))) == Decision(nil, .working, .converged))
        #expect(decision(stopped, read(.status(.stopped))) == Decision(nil, .stopped, .converged))
        #expect(decision(stopped, read(.missing)) == Decision(nil, .missingOffShift, .converged))
    }

    @Test(arguments: [SessionReading.missing, .status(.scanQRCode), .status(.unknown("NEW_WORD"))])
    func `what only a person can mend is left alone`(reading: SessionReading) {
        #expect(decision(running, read(reading)).action == nil)
    }

    @Test
    func `a start needs a recent STOPPED`() {
        #expect(decision(running, read(.status(.stopped), ago: .seconds(10))).action == .start)
        let old = decision(running, read(.status(.stopped), ago: .seconds(3600)))
        #expect(old.action == nil)
        #expect(old.wantsLook(at: now))
    }

    @Test
    func `a session that failed off shift gets one stop and then counts as stopped`() {
        var evidence = read(.status(.failed))
        #expect(decision(stopped, evidence).action == .stop)
        evidence.lastCommand = CommandRecord(
            id: 1,
            action: .stop,
            sentAt: now - .seconds(10),
            endedAt: now - .seconds(9),
            verdict: .ok
        )
        #expect(decision(stopped, evidence) == Decision(nil, .failedCountsAsStopped, .converged))
    }

    @Test(arguments: [(EngineVerdict.notSent, 9), (.unreachable, 9), (.auth, 9), (.transient, 4)])
    func `a stop of a failed session that the engine did not take is tried again`(verdict: EngineVerdict, attempts: Int)
    {
        var evidence = read(.status(.failed))
        let sentAt = now - policy.longestRetry
        evidence.lastCommand = CommandRecord(id: 1, action: .stop, sentAt: sentAt, endedAt: sentAt, verdict: verdict)
        evidence.attempts = attempts
        #expect(decision(stopped, evidence).action == .stop)
    }

    @Test
    func `a failed session whose stop the engine answers with errors again and again counts as stopped`() {
        var evidence = read(.status(.failed))
        let sentAt = now - policy.longestRetry
        evidence.lastCommand = CommandRecord(id: 1, action: .stop, sentAt: sentAt, endedAt: sentAt, verdict: .transient)
        evidence.attempts = policy.attemptsBeforeAttention
        #expect(decision(stopped, evidence) == Decision(nil, .failedCountsAsStopped, .converged))
    }

    @Test
    func `restarts are spaced and end when the budget is used`() {
        var evidence = read(.status(.failed))
        #expect(decision(running, evidence).action == .restart)
        evidence.restarts = [now - .seconds(60)]
        #expect(decision(running, evidence).reason == .restartSpacing)
        evidence.restarts = [now - .seconds(600), now - .seconds(300)]
        #expect(decision(running, evidence).condition == .needsAttention)
        #expect(decision(running, evidence).action == nil)
    }

    @Test
    func `a session stuck in STARTING is restarted`() {
        var evidence = read(.status(.starting))
        evidence.readingSince = now - .seconds(63)
        #expect(decision(running, evidence).action == .restart)
        evidence.readingSince = now - .seconds(30)
        #expect(decision(running, evidence).action == nil)
    }

    @Test
    func `a session that was last read in time is not stuck: it is read first`() {
        var evidence = read(.status(.starting), ago: .seconds(40))
        evidence.readingSince = now - .seconds(90)
        #expect(decision(running, evidence) == Decision(nil, .booting, .starting, lookAgainAt: now))
    }

    @Test
    func `a start that always follows a read does follow, however slowly that is answered`() {
        var policy = policy
        policy.startLookAfter = .zero
        #expect(decision(running, read(.status(.stopped), ago: policy.callTimeout), policy: policy).action == .start)
        let old = decision(running, read(.status(.stopped), ago: policy.callTimeout + .seconds(1)), policy: policy)
        #expect(old.reason == .lookFirst && old.wantsLook(at: now))
    }

    @Test
    func `a restart follows a read that is recent, however slowly reads are answered`() {
        let limit = policy.callTimeout + policy.restartLookAfter
        #expect(decision(running, read(.status(.failed), ago: limit)).action == .restart)
        let old = decision(running, read(.status(.failed), ago: limit + .milliseconds(1)))
        #expect(old == Decision(nil, .lookFirst, .starting, lookAgainAt: now))
        #expect(old.wantsLook(at: now))
    }

    @Test(arguments: [Action.start, .restart])
    func `a start without a clear answer is looked at once more, though the session is down`(action: Action) {
        let endedAt = now - .seconds(4)
        var evidence = read(.status(.stopped))
        for verdict in EngineVerdict.allCases {
            evidence.lastCommand = CommandRecord(
                id: 1,
                action: action,
                sentAt: endedAt,
                endedAt: endedAt,
                verdict: verdict
            )
            let again = verdict.isUnclear ? endedAt + policy.undoneStopLook : nil
            #expect(decision(stopped, evidence) == Decision(nil, .stopped, .converged, lookAgainAt: again))
        }
    }

    @Test
    func `a session that was working is looked at again before it counts as down`() {
        var evidence = read(.status(.stopped))
        evidence.deviatingSince = now - .seconds(2)
        #expect(decision(running, evidence).reason == .confirmingDrift)
        evidence.deviatingSince = now - .seconds(30)
        #expect(decision(running, evidence).action == .start)
        #expect(decision(running, evidence).reason == .wentDown)
    }

    @Test
    func `a clock-out while the session starts acts at once`() {
        var evidence = read(.status(.stopped), ago: .seconds(5))
        evidence.lastCommand = CommandRecord(
            id: 1,
            action: .start,
            sentAt: now - .milliseconds(300),
            endedAt: now - .milliseconds(200),
            verdict: .ok
        )
        #expect(decision(stopped, evidence).action == .stop)
    }

    @Test(arguments: [(Action.start, RunState.stopped), (.restart, .stopped), (.stop, .running)])
    func `a try that failed holds up nothing once the opposite is desired`(action: Action, run: RunState) {
        var evidence = read(.status(.stopped), ago: .seconds(300))
        evidence.attempts = policy.attemptsBeforeAttention
        evidence.lastCommand = CommandRecord(
            id: 1,
            action: action,
            sentAt: now - .milliseconds(300),
            endedAt: now,
            verdict: .transient
        )
        let decision = decision(DesiredState(run: run, rule: .shift), evidence)
        #expect(decision.reason == .lookFirst)
        #expect(decision.condition != .needsAttention)
        #expect(decision.lookAgainAt == now + policy.confirmationDelay)
    }

    @Test
    func `somebody who was told that a start keeps failing is not told otherwise by the next try`() {
        var evidence = read(.status(.stopped))
        evidence.attempts = policy.attemptsBeforeAttention
        evidence.lastCommand = CommandRecord(
            id: 1,
            action: .start,
            sentAt: now - .seconds(1001),
            endedAt: now - .seconds(1000),
            verdict: .ok
        )
        #expect(decision(running, evidence).action == .start)
        #expect(decision(running, evidence).condition == .needsAttention)
        evidence.attempts += 1
        evidence.lastCommand?.sentAt = now - .milliseconds(20)
        evidence.lastCommand?.endedAt = now
        #expect(decision(running, evidence).condition == .needsAttention)
        #expect(decision(running, evidence).reason == .startRefused)
    }

    @Test
    func `an account that is refused gets no command`() {
        let decision = decide(
            running,
            evidence: read(.status(.stopped)),
            isAccountRefused: true,
            policy: policy,
            now: now
        )
        let again = now + policy.longestRetry
        #expect(decision == Decision(nil, .accountRefused, .needsAttention, lookAgainAt: again))
    }
}
