import Domain
import Testing

/// What the engine refuses and would refuse again: a bug or a setting, which only a person mends.
@Suite("decide: what is refused for good")
struct DecideRefusedTests {
    private let now = Timestamp(seconds: 1_800_000_000)
    private let policy = ReconcilePolicy()

    private func decision(_ desired: RunState, _ evidence: Evidence) -> Decision {
        decide(
            DesiredState(run: desired, rule: .shift),
            evidence: evidence,
            isAccountRefused: false,
            policy: policy,
            now: now
        )
    }

    /// One command that was answered so long ago, and a read before it or after it.
    private func answered(
        _ action: Action,
        _ verdict: EngineVerdict,
        ago: Duration,
        reading: SessionStatus,
        readAgo: Duration
    ) -> Evidence {
        Evidence(
            reading: .status(reading),
            readAt: now - readAgo,
            readingSince: now - .seconds(3600),
            lastCommand: CommandRecord(
                id: 1,
                action: action,
                sentAt: now - ago - .milliseconds(100),
                endedAt: now - ago,
                verdict: verdict
            ),
            attempts: 1
        )
    }

    @Test(arguments: [
        (Action.start, RunState.running, SessionStatus.stopped, Reason.startRefused),
        (.stop, .stopped, .working, .stopRefused), (.restart, .running, .failed, .startRefused),
    ])
    func `it needs somebody at once, and goes again later than what may pass, whatever is read meanwhile`(
        action: Action,
        desired: RunState,
        reading: SessionStatus,
        reason: Reason
    ) {
        let retryAt = now - .seconds(15) + policy.firstRetry * 4
        for readAgo in [Duration.seconds(30), .seconds(1)] {
            let refused = answered(action, .permanent, ago: .seconds(15), reading: reading, readAgo: readAgo)
            #expect(decision(desired, refused) == Decision(nil, reason, .needsAttention, lookAgainAt: retryAt))
        }
        let again = answered(action, .permanent, ago: policy.firstRetry * 4, reading: reading, readAgo: .seconds(1))
        #expect(decision(desired, again).action == action)
    }

    @Test
    func `a failure that may pass is tried again soon and troubles nobody`() {
        let failed = answered(.start, .transient, ago: .seconds(1), reading: .stopped, readAgo: .seconds(30))
        #expect(
            decision(.running, failed)
                == Decision(nil, .retryLater, .starting, lookAgainAt: now - .seconds(1) + policy.firstRetry)
        )
        let due = answered(.start, .transient, ago: .seconds(10), reading: .stopped, readAgo: .seconds(1))
        #expect(decision(.running, due).action == .start)
    }

    @Test
    func `the opposite goes at once`() {
        let refused = answered(.start, .permanent, ago: .seconds(20), reading: .working, readAgo: .seconds(1))
        let stop = decision(.stopped, refused)
        #expect(stop.action == .stop && stop.condition == .stopping)
    }

    @Test
    func `whoever asks for a try has it at once`() {
        var refused = answered(.start, .permanent, ago: .seconds(15), reading: .stopped, readAgo: .seconds(1))
        refused.attempts = 0
        let start = decision(.running, refused)
        #expect(start.action == .start && start.condition == .starting)
    }
}
