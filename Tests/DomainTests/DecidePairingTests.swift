import Domain
import Testing

/// A session that nobody pairs: its codes run out, and it waits for a person all the same.
@Suite("decide: pairing")
struct DecidePairingTests {
    private let now = Timestamp(seconds: 1_800_000_000)
    private let policy = ReconcilePolicy()

    private func decision(
        _ evidence: Evidence,
        _ desired: RunState = .running,
        at instant: Timestamp? = nil
    ) -> Decision {
        decide(
            DesiredState(run: desired, rule: .shift),
            evidence: evidence,
            isAccountRefused: false,
            policy: policy,
            now: instant ?? now
        )
    }

    /// Evidence of reads one after the other, 10 s apart; the last one was made now.
    private func reads(_ statuses: [SessionStatus], from start: Evidence = Evidence()) -> Evidence {
        var evidence = start
        for (place, status) in statuses.enumerated() {
            let sentAt = now - .seconds(10 * (statuses.count - 1 - place))
            evidence.take(read: .status(status), sentAt: sentAt, desired: .running)
        }
        return evidence
    }

    @Test(arguments: [
        [SessionStatus.scanQRCode, .failed], [.working, .scanQRCode, .failed], [.scanQRCode, .starting, .failed],
        [.scanQRCode, .unknown("PASSKEY_REQUIRED"), .failed], [.scanQRCode, .failed, .failed, .starting, .failed],
    ])
    func `a session whose codes ran out waits for a person, however long and whatever was tried before`(
        statuses: [SessionStatus]
    ) {
        var evidence = reads(statuses)
        for later in [Duration.zero, .seconds(60), .seconds(7200)] {
            #expect(decision(evidence, at: now + later) == Decision(nil, .pairingRequired, .needsPairing))
        }
        evidence.restarts = [now - .seconds(400), now - .seconds(200)]
        #expect(decision(evidence).reason == .pairingRequired)
    }

    @Test(arguments: [
        [SessionStatus.failed], [.scanQRCode, .working, .failed], [.scanQRCode, .stopped, .failed],
        [.scanQRCode, .suspect, .failed],
    ])
    func `one that failed for another reason is restarted`(statuses: [SessionStatus]) {
        var evidence = reads(statuses)
        let again = now + policy.confirmAfter
        evidence.take(read: .status(.failed), sentAt: again, desired: .running)
        #expect(decision(evidence, at: again).action == .restart)
    }

    @Test
    func `a person's wish reboots it, and with that the waiting is over`() {
        var evidence = reads([.scanQRCode, .failed])
        evidence.rebootAskedAt = now
        #expect(decision(evidence) == Decision(.stop, .rebootAsked, .stopping))
        evidence.intend(.stop, id: 1, at: now, restartWindow: policy.restartWindow)
        let ended = now + .seconds(3)
        evidence.take(
            outcome: EngineAnswer(verdict: .ok),
            of: 1,
            sentAt: now,
            endedAt: ended,
            callTimeout: policy.callTimeout
        )
        // An engine that leaves it FAILED is asked in its other way.
        var stubborn = evidence
        stubborn.take(read: .status(.failed), sentAt: ended + .seconds(4), desired: .running)
        let restart = decision(stubborn, at: ended + .seconds(4))
        #expect(restart.action == .restart && restart.condition == .starting, "and whoever asked waits on")
        evidence.take(read: .status(.stopped), sentAt: ended + .seconds(4), desired: .running)
        #expect(decision(evidence, at: ended + .seconds(4)).action == .start)
        evidence.intend(.start, id: 2, at: ended + .seconds(4), restartWindow: policy.restartWindow)
        #expect(evidence.rebootAskedAt == nil && evidence.pairingSince == nil)
    }

    @Test
    func `off shift it is stopped once, as whatever failed`() {
        var evidence = reads([.scanQRCode, .failed])
        #expect(decision(evidence, .stopped) == Decision(.stop, .shouldStop, .stopping))
        evidence.lastCommand = CommandRecord(
            id: 1,
            action: .stop,
            sentAt: now - .seconds(9),
            endedAt: now - .seconds(6),
            verdict: .ok
        )
        #expect(decision(evidence, .stopped).reason == .failedCountsAsStopped)
    }

    @Test
    func `it waits since the first read that asked, through every code and its end`() {
        let evidence = reads([.working, .scanQRCode, .scanQRCode, .failed])
        #expect(evidence.pairingSince == now - .seconds(20))
    }

    /// A release that does not know of it neither sets nor clears it.
    @Test
    func `what another release read and did beside it counts`() {
        var older = reads([.scanQRCode])
        older.pairingSince = nil
        #expect(decision(reads([.failed], from: older)).reason == .pairingRequired)

        let since = now - .seconds(600)
        var worked = Evidence(reading: .status(.working), readAt: now - .seconds(60), readingSince: now - .seconds(60))
        worked.pairingSince = since
        #expect(!reads([.failed], from: worked).waitsForPairing)
        var fell = Evidence(reading: .status(.failed), readAt: now, readingSince: now - .seconds(20))
        fell.pairingSince = since
        fell.deviatingSince = now - .seconds(20)
        #expect(decision(fell).action == .restart)
        var started = Evidence(reading: .status(.failed), readAt: now, readingSince: now - .seconds(20))
        started.pairingSince = since
        started.lastStartSentAt = now - .seconds(300)
        #expect(decision(started).action == .restart)
    }

    @Test
    func `a scan that is asked for while a start is still on its way counts from the next read on`() {
        var evidence = reads([.starting])
        evidence.intend(.restart, id: 1, at: now, restartWindow: policy.restartWindow)
        evidence.take(read: .status(.scanQRCode), sentAt: now + .seconds(1), desired: .running)
        let sent = now + .seconds(5)
        evidence.take(
            outcome: EngineAnswer(verdict: .ok),
            of: 1,
            sentAt: sent,
            endedAt: sent,
            callTimeout: policy.callTimeout
        )
        #expect(!evidence.waitsForPairing)
        evidence.take(read: .status(.scanQRCode), sentAt: sent + .seconds(10), desired: .running)
        #expect(evidence.waitsForPairing)
    }
}
