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
        activity.took(.ok, askedAt: now + .seconds(4), at: now + .seconds(5))
        #expect(activity.calls.askedAt == now + .seconds(4) && activity.calls.answeredAt == now + .seconds(5))
        #expect(activity.silentSince(now: now + .seconds(6)) == nil)
    }

    @Test(arguments: EngineVerdict.allCases)
    func `whatever an engine says but that it fails is a sign of life`(verdict: EngineVerdict) {
        let activity = EngineActivity()
        activity.asked(at: now)
        activity.took(verdict, askedAt: now, at: now + .seconds(1))
        let isSilent = activity.silentSince(now: now + .seconds(60)) != nil
        #expect(isSilent == [.transient, .unreachable, .ambiguous].contains(verdict))
    }

    @Test(arguments: EngineVerdict.allCases)
    func `of a read only what proves something is a sign of life, and a refused credential`(verdict: EngineVerdict) {
        let isWorthSomething = [.ok, .missing, .auth].contains(verdict)
        #expect(EngineActivity.isSignOfLife(verdict, ofRead: true) == isWorthSomething)
        let activity = EngineActivity()
        activity.asked(at: now)
        activity.took(verdict, askedAt: now, at: now + .seconds(1), isRead: true)
        #expect((activity.calls.answeredAt != nil) == isWorthSomething, "it is asked again soon otherwise")
        let isSilent = activity.silentSince(now: now + .seconds(60)) != nil
        #expect(isSilent == [.transient, .unreachable, .ambiguous].contains(verdict), "who refuses is not silent")
    }

    @Test(arguments: [EngineVerdict.already, .verify, .errorBody, .permanent])
    func `a read that is refused ends no silence in which other calls failed`(verdict: EngineVerdict) {
        let activity = EngineActivity()
        activity.asked(at: now)
        activity.took(.transient, askedAt: now, at: now)
        activity.asked(at: now + .seconds(5))
        activity.took(verdict, askedAt: now + .seconds(5), at: now + .seconds(5), isRead: true)
        #expect(activity.silentSince(now: now + .seconds(6)) == now)
        // Nothing has failed for long.
        activity.took(verdict, askedAt: nil, at: now + .seconds(60), isRead: true)
        #expect(activity.silentSince(now: now + .seconds(61)) == nil)
    }
}

@Suite("EngineActivity's refusals")
struct EngineActivityRefusalTests {
    private let now = Timestamp(seconds: 1_800_000_000)

    @Test
    func `what left before the credential was refused does not say that it counts again`() {
        let activity = EngineActivity()
        #expect(activity.endsRefusal(askedAt: now), "nothing was refused")
        activity.refused(at: now)
        #expect(!activity.endsRefusal(askedAt: now - .seconds(8)))
        #expect(activity.endsRefusal(askedAt: now + .seconds(1)))
        #expect(activity.endsRefusal(askedAt: now - .seconds(8)), "it is over")
    }
}

@Suite("EngineActivity's calls")
struct EngineActivityCallsTests {
    private let now = Timestamp(seconds: 1_800_000_000)

    @Test
    func `calls without an answer are those under way and those that brought nothing since the last answer`() {
        let activity = EngineActivity()
        for second in 0..<4 { activity.asked(at: now + .seconds(second)) }
        #expect(activity.calls.unanswered == 4)
        activity.took(.ambiguous, askedAt: now, at: now + .seconds(5))
        #expect(activity.calls.unanswered == 4)
        // That it is busy is no answer, but it is there.
        activity.took(.transient, askedAt: now + .seconds(1), at: now + .seconds(5))
        #expect(activity.calls.unanswered == 3)
        activity.took(.ok, askedAt: now + .seconds(2), at: now + .seconds(6))
        #expect(activity.calls.unanswered == 1)
        activity.took(.ok, askedAt: nil, at: now + .seconds(6))
        #expect(activity.calls.unanswered == 1, "one that was never said to have left")
        // Who takes over has the same calls under way.
        activity.begin()
        #expect(activity.calls.unanswered == 1 && activity.calls.unansweredSince == nil)
        activity.took(.ok, askedAt: now + .seconds(3), at: now + .seconds(7))
        #expect(activity.calls.unanswered == 0)
    }

    @Test
    func `the longest that an answer took is remembered for a while`() {
        let activity = EngineActivity()
        for (left, took) in [(0, 2), (10, 6), (20, 1), (620, 3)] {
            activity.asked(at: now + .seconds(left))
            activity.took(.ok, askedAt: now + .seconds(left), at: now + .seconds(left + took))
            let slowest = [0: 2, 10: 6, 20: 6, 620: 3][left].map { Duration.seconds($0) }
            #expect(activity.calls.slowestAnswer == slowest)
        }
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
                _ = try await page.management.pool.query(
                    """
                    UPDATE engine_pulses
                    SET beat_at = now(), silent_since = NULL, line_asked = 41, line_people = 40, line_sweep = 900,
                        finishes_at = '2031-01-01T00:00:20Z', predicted_at = '2031-01-01T00:00:00Z'
                    """
                )
                let busy = try await stream.next("pulse")
                let line =
                    #""line":{"people":40,"repair":0,"look":0,"sweep":900},"asked":41,"finishes_at":"2031-01-01T00:00:20"#
                #expect(busy.data.contains(line), "\(busy.data)")
            }
        }
    }

    @Test
    func `a key that is bound to teams hears of the engines of its teams' sessions`() async throws {
        try await withPage { page in
            try await page.management.addAgent("a1")
            for (teams, seen) in [(["support"], true), (["others"], false)] {
                let key = try await page.management.key(.view, teams: teams)
                try await page.follow(key: key) { stream in
                    let first = try await stream.next("pulse")
                    #expect(first.data.contains(#""engine":"main""#) == seen, "\(first.data)")
                }
            }
        }
    }

    @Test
    func `a key that is bound to teams hears nothing of what waits for an engine, which is all teams'`() async throws {
        try await withPage { page in
            try await page.management.addAgent("a1")
            _ = try await page.management.pool.query(
                """
                INSERT INTO engine_pulses (account, beat_at, line_asked, line_people, finishes_at, predicted_at)
                SELECT account, now() + interval '1 minute', 41, 40, '2031-01-01T00:00:20Z', '2031-01-01T00:00:00Z'
                FROM engine_accounts
                """
            )
            let free = try #require(page.management.keys[.view])
            let bound = try await page.management.key(.view, teams: ["support"])
            for (key, isTold) in [(free, true), (bound, false)] {
                try await page.follow(key: key) { stream in
                    let first = try await stream.next { $0.name == "pulse" && $0.data.contains("main") }
                    #expect(first.data.contains(#""people":40,"#) == isTold, "\(first.data)")
                    #expect(first.data.contains(#""asked":41,"finishes_at":"2031"#) == isTold, "\(first.data)")
                    let nothing = #""asked":0,"finishes_at":null,"predicted_at":null"#
                    #expect(first.data.contains(nothing) != isTold, "\(first.data)")
                }
            }
        }
    }
}

@Suite("Engine accounts")
struct EngineListTests {
    @Test
    func `the accounts are listed, to a team those of its agents, and with a holder that lives what waits for them`()
        async throws
    {
        try await withManagement { fixture in
            try await fixture.addAgent("a1")
            _ = try await fixture.pool.pipeline([
                "INSERT INTO engine_accounts (name) VALUES ('unused')",
                """
                INSERT INTO engine_pulses (account, beat_at, line_asked, line_people, finishes_at)
                SELECT account, now(), 8, 7, '2031-01-01T00:00:00Z' FROM engine_accounts WHERE name = 'main'
                """,
            ])
            let all = try await fixture.send("GET", "/v1/engines").items()
            #expect(all.map { $0["engine"] as? String } == ["main", "unused"])
            #expect((all.first?["line"] as? [String: Int])?["people"] == 7 && all.first?["asked"] as? Int == 8)
            #expect(all.first?["finishes_at"] as? String == "2031-01-01T00:00:00Z")
            #expect(all.last?["finishes_at"] as? String == nil)
            for (teams, seen) in [(["support"], ["main"]), (["others"], [])] {
                let key = try await fixture.key(.view, teams: teams)
                let some = try await fixture.send("GET", "/v1/engines", key: key).items()
                #expect(some.map { $0["engine"] as? String } == seen)
                // What waits is all teams'.
                for each in some {
                    #expect((each["line"] as? [String: Int])?["people"] == 0 && each["asked"] as? Int == 0)
                    #expect(each["finishes_at"] as? String == nil)
                }
            }
            _ = try await fixture.pool.query("UPDATE engine_pulses SET beat_at = now() - interval '11 s'")
            let later = try await fixture.send("GET", "/v1/engines").items()
            #expect((later.first?["line"] as? [String: Int])?["people"] == 0, "nobody knows any more")
        }
    }
}
