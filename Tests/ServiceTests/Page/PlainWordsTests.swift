import LibPQ
import Testing

@testable import Domain
@testable import Service

/// What a manager reads for the first time is said in their own words, on every page and in every language.
@Suite("Plain words", .timeLimit(.minutes(2)))
struct PlainWordsTests {
    @Test
    func `that an event came late is drawn where it came, also one of a day before, and what that means is said`()
        async throws
    {
        try await withPage { page in
            try await page.management.addAgent("a1")
            let signIn = try await page.signIn(as: .view)
            let prompt = try await page.send("GET", "/agents/a1", signIn).text
            #expect(!prompt.contains("mark-late") && prompt.contains("an event that comes late changes the past."))
            #expect(prompt.contains("never clocked in") && !prompt.contains("obody ever clocked in"))
            try await page.management.addEvent(
                .clockIn,
                of: "a1",
                ago: .seconds(30 * 3600),
                late: .seconds(29 * 3600),
                matched: true
            )
            try await page.management.refold("a1")
            let story = try await page.send("GET", "/agents/a1", signIn).text
            #expect(story.ranges(of: #"class="mark mark-late""#).count == 1 && story.contains(#"class="bar-late""#))
            #expect(story.ranges(of: "Came late: clock-in, from api; it counts from").count == 2, "a title and a line")
            #expect(!story.contains(#"class="mark mark-event""#), "it happened before the picture begins")
        }
    }

    @Test
    func `a session's state stands under that word, and the engine's word for it does not stand beside ours`()
        async throws
    {
        try await withPage { page in
            try await page.management.addAgent("a1")
            try await page.management.observe("a1", "SCAN_QR_CODE", .needsPairing, reason: .pairingRequired)
            let signIn = try await page.signIn(as: .view)
            for (language, session) in zip(Language.allCases, ["Session", "Sesión", "الجلسة"]) {
                let fleet = try await page.send("GET", "/?lang=\(language.rawValue)", signIn).text
                #expect(
                    fleet.contains(#"scope="col">\#(session)</th>"#) && fleet.contains(#"data-label="\#(session)""#)
                )
                let story = try await page.send("GET", "/agents/a1?lang=\(language.rawValue)", signIn).text
                #expect(story.contains(#"data-word="SCAN_QR_CODE""#) && !story.contains(">SCAN_QR_CODE<"))
            }
        }
    }

    @Test
    func `that a look now frees the budget of restarts is said only where it does`() async throws {
        try await withPage { page in
            try await page.management.addAgent("a1")
            try await page.management.observe("a1", "FAILED", .needsAttention, reason: .restartBudgetUsed)
            try await page.attendEngines()
            let signIn = try await page.signIn(as: .manage)
            func why() async throws -> String { try await page.send("GET", "/agents/a1", signIn).text }
            #expect(try await why().contains("“Check now” frees it at once."))
            #expect(try await page.management.send("POST", "/v1/agents/a1/reconcile", as: .manage).status == 202)
            let pressed = try await why()
            #expect(pressed.contains("“Check now” freed it ") && !pressed.contains("frees it at once"))
            _ = try await page.management.pool.query(
                "UPDATE restart_grants SET granted_at = now() - interval '31 minutes'"
            )
            #expect(try await why().contains("“Check now” frees it at once."))
        }
    }

    @Test
    func `what came of a source is told with the signs and words of the reader's language`() async throws {
        try await withPage { page in
            _ = try await page.management.pool.query("INSERT INTO clock_sources (name) VALUES ('hr')")
            _ = try await page.management.pool.query(
                """
                INSERT INTO deliveries (source_id, received_at, delivery_id, headers, body, reading, events, effects, warnings)
                SELECT source_id, now(), 'd-1', '{}', \(Array("{}".utf8)), 'unknown-type', '{}', '{}', '{}'
                FROM clock_sources WHERE name = 'hr'
                """
            )
            let signIn = try await page.signIn(as: .manage)
            for (language, sign) in zip(Language.allCases, [",", ",", "،"]) {
                let words = PageLanguages()[language]
                let source = try await page.send("GET", "/sources/hr?lang=\(language.rawValue)", signIn).text
                #expect(source.contains("\(sign) <bdi>d-1</bdi>"), "\(language)")
                #expect(source.contains("<dd>\(words("sources.never_silent"))</dd>"), "\(language)")
            }
        }
    }

    @Test
    func `the first page says what a session and an engine are`() async throws {
        try await withPage { page in
            let signIn = try await page.signIn(as: .view)
            for language in Language.allCases {
                let fleet = try await page.send("GET", "/?lang=\(language.rawValue)", signIn).text
                #expect(fleet.contains(PageLanguages()[language]("fleet.terms")), "\(language)")
            }
        }
    }

    @Test
    func `the figures that a manager reads first say what they count`() async throws {
        let words = PageLanguages()[.english]
        try await withPage { page in
            try await page.management.addAgent("a1")
            let stats = try await page.send("GET", "/stats", try await page.signIn(as: .view)).text
            for key in ["stats.drift", "stats.hibernated"] {
                #expect(stats.contains("<dt>\(words(key)) <small>\(words(key + "_words"))</small></dt>"), "\(key)")
            }
        }
    }

    @Test(arguments: zip(Language.allCases, ["no outcome yet", "aún sin resultado", "لا نتيجة بعد"]))
    func `a command that may be on its way is not said to be unsent`(language: Language, outcome: String) {
        let command = CommandEntry(
            id: 1,
            action: Action.start.rawValue,
            reason: Reason.shouldRun.rawValue,
            intendedAt: Timestamp(seconds: 1_800_000_000),
            sentAt: nil,
            endedAt: nil,
            verdict: nil,
            claim: nil,
            httpStatus: nil
        )
        #expect(PageLanguages()[language].outcome(command) == outcome)
    }

    @Test(arguments: Language.allCases)
    func `counts and badges have one word where they count the same`(language: Language) {
        let words = PageLanguages()[language]
        for agreement in Agreement.allCases where agreement.terms == AgreementTerms(agreement.terms.condition) {
            let condition = agreement.terms.condition
            #expect(
                words("agreement." + agreement.rawValue) == words("condition." + condition.rawValue),
                "\(agreement)"
            )
        }
        for agreement in [Agreement.fine, .off] {
            #expect(words("agreement." + agreement.rawValue).hasSuffix(words("condition.converged")), "\(agreement)")
        }
        for agreement in [Agreement.stuck, .heldStuck, .refused, .runaway] {
            let word = words("condition.needs_attention")
            #expect(words("agreement." + agreement.rawValue).contains(word), "\(agreement)")
        }
    }
}
