import Domain
import Testing

/// What a person's wish for a clean reboot does.
@Suite("decide: reboots")
struct DecideRebootTests {
    private let now = Timestamp(seconds: 1_800_000_000)
    private let policy = ReconcilePolicy()

    private func decision(_ evidence: Evidence, at instant: Timestamp) -> Decision {
        decide(
            DesiredState(run: .running, rule: .shift),
            evidence: evidence,
            isAccountRefused: false,
            policy: policy,
            now: instant
        )
    }

    /// A session that has failed again, and has no restart left.
    private func failed() -> Evidence {
        let restarted = now - .seconds(200)
        return Evidence(
            reading: .status(.failed),
            readAt: now,
            readingSince: now - .seconds(60),
            lastCommand: CommandRecord(
                id: 1,
                action: .restart,
                sentAt: restarted,
                endedAt: restarted + .seconds(1),
                verdict: .ok
            ),
            lastStartSentAt: restarted,
            restarts: [now - .seconds(400), restarted],
            attempts: 2
        )
    }

    @Test
    func `a session that has failed is rebooted once a person asks, whatever budget of restarts is left`() {
        var evidence = failed()
        #expect(decision(evidence, at: now).reason == .restartBudgetUsed)
        evidence.rebootAskedAt = now
        #expect(decision(evidence, at: now) == Decision(.stop, .rebootAsked, .stopping))
        evidence.intend(.stop, id: 2, at: now, restartWindow: policy.restartWindow)
        evidence.take(
            outcome: EngineAnswer(verdict: .ok),
            of: 2,
            sentAt: now,
            endedAt: now,
            callTimeout: policy.callTimeout
        )
        let later = now + .seconds(4)
        var stopped = evidence
        stopped.take(read: .status(.stopped), sentAt: later, desired: .running)
        #expect(decision(stopped, at: later) == Decision(.start, .shouldRun, .starting))
        // An engine that leaves it FAILED refuses a start.
        evidence.take(read: .status(.failed), sentAt: later, desired: .running)
        #expect(decision(evidence, at: later) == Decision(.restart, .failedRestart, .starting))
        evidence.intend(.restart, id: 3, at: later, restartWindow: policy.restartWindow)
        #expect(evidence.rebootAskedAt == nil, "one wish is one restart")
    }

    @Test(arguments: [
        (SessionReading.missing, false), (.status(.scanQRCode), false), (.status(.unknown("MIGRATING")), false),
        (.status(.stopped), true), (.status(.starting), true), (.status(.working), true), (.status(.suspect), true),
        (.status(.failed), true),
    ])
    func `a wish ends where the session is read so that no reboot helps, and does not strike hours later`(
        reading: SessionReading,
        stays: Bool
    ) {
        var evidence = Evidence(
            reading: .status(.starting),
            readAt: now - .seconds(10),
            readingSince: now - .seconds(10),
            rebootAskedAt: now - .seconds(5)
        )
        evidence.take(read: reading, sentAt: now, desired: .running)
        #expect((evidence.rebootAskedAt != nil) == stays)
        let later = now + .seconds(3600)
        evidence.take(read: .status(.working), sentAt: later, desired: .running)
        #expect((decision(evidence, at: later).action == .stop) == stays)
    }
}
