import Domain
import LibPQ
import Testing

@testable import Service

@Suite("EngineActivity")
struct EngineActivityTests {
    private let now = Timestamp(seconds: 1_800_000_000)

    @Test
    func `an engine is silent since the first call that nothing answered`() {
        let activity = EngineActivity()
        #expect(activity.silentSince(now: now) == nil, "nobody asked")
        activity.asked(at: now)
        #expect(activity.silentSince(now: now + .milliseconds(200)) == nil, "nobody has waited long")
        activity.asked(at: now + .seconds(4))
        #expect(activity.silentSince(now: now + .seconds(5)) == now)
        activity.took(.ok)
        #expect(activity.silentSince(now: now + .seconds(6)) == nil)
    }

    @Test(arguments: EngineVerdict.allCases)
    func `whatever an engine says but that it fails is a sign of life`(verdict: EngineVerdict) {
        let activity = EngineActivity()
        activity.asked(at: now)
        activity.took(verdict)
        let isSilent = activity.silentSince(now: now + .seconds(60)) != nil
        #expect(isSilent == [.transient, .unreachable, .ambiguous, .notSent].contains(verdict))
    }
}

@Suite("EnginePulses")
struct EnginePulsesTests {
    @Test
    func `only what changed is news, and the first reading is`() {
        var pulses = EnginePulses()
        let fine = EnginePulse(engine: "main", isActing: true)
        #expect(pulses.take([fine]) && pulses.version == 1)
        #expect(!pulses.take([fine]) && pulses.version == 1)
        #expect(pulses.take([EnginePulse(engine: "main", isActing: false)]) && pulses.version == 2)
    }

    @Test
    func `a stream begins with how the engines do, and tells when nobody acts for one`() async throws {
        try await withPage { page in
            try await page.management.addAgent("a1")
            try await page.follow { stream in
                let first = try await stream.next("pulse")
                #expect(first.data.contains(#""engine":"main","acting":false"#), "\(first.data)")
                _ = try await page.management.pool.pipeline([
                    """
                    INSERT INTO replicas (replica, seen_at, expires_at, release)
                    VALUES ('0b1e7a52-4c1f-4a53-9d3a-1f5b6c7d8e9f', now(), now() + interval '1 minute', 'test')
                    """,
                    """
                    INSERT INTO engine_leases (account, holder, term)
                    SELECT account, '0b1e7a52-4c1f-4a53-9d3a-1f5b6c7d8e9f', 1 FROM engine_accounts
                    ON CONFLICT (account) DO UPDATE SET holder = excluded.holder
                    """,
                    "INSERT INTO engine_pulses (account, beat_at) SELECT account, now() FROM engine_accounts",
                ])
                let acting = try await stream.next("pulse")
                #expect(acting.data.contains(#""acting":true,"silent_since":null"#), "\(acting.data)")
                _ = try await page.management.pool.query(
                    "UPDATE engine_pulses SET beat_at = now(), silent_since = now() - interval '3 s'"
                )
                let silent = try await stream.next("pulse")
                #expect(silent.data.contains(#""silent_since":"2"#), "\(silent.data)")
            }
        }
    }
}
