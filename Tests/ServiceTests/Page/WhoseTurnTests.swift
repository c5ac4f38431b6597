import Domain
import LibPQ
import Testing

@testable import Service

/// Whose turn it is by the page, above all while nobody acts for an engine.
@Suite("Whose turn", .timeLimit(.minutes(2)))
struct WhoseTurnTests {
    private let languages = PageLanguages()

    /// A sentence as it stands in a page's source.
    private func shown(_ key: String, _ language: Language) -> String {
        languages[language](key).replacing("'", with: "&#39;")
    }

    @Test
    func `of a session of an engine for which nobody acts it is the operator's turn, and nobody looks at it`()
        async throws
    {
        try await withPage { page in
            try await page.management.addAgent("old")
            try await page.management.addAgent("ours")
            try await page.management.observe("old", "WORKING", .converged, reason: .working, ago: .seconds(3600))
            try await page.management.observe("ours", "STOPPED", .drifted, reason: .wentDown)
            _ = try await page.management.pool.query("UPDATE agent_states SET shift = 1, desired = 1")
            let signIn = try await page.signIn(as: .view)
            for language in Language.allCases {
                let idle = shown("turn.unattended", language)
                let fleet = try await page.send("GET", "/?lang=\(language.rawValue)", signIn).text
                #expect(fleet.contains(#"data-attended="engine" data-turn="operator">"# + idle))
                #expect(fleet.contains(#"data-attended="rollcall" data-turn="operator">"# + idle))
                #expect(!fleet.contains(#"data-turn="engine">"#) && !fleet.contains(#"data-turn="rollcall">"#))
                for agent in ["old", "ours"] {
                    let story = try await page.send("GET", "/agents/\(agent)?lang=\(language.rawValue)", signIn).text
                    #expect(
                        story.contains("</span>\(idle)</p>") && story.contains(shown("why.waits.attendance", language))
                    )
                    #expect(story.contains("<dd>\(shown("agent.no_look", language))</dd>"), "no look comes")
                }
            }
            try await page.attendEngines()
            let fleet = try await page.send("GET", "/?lang=en", signIn).text
            #expect(fleet.contains(#"data-attended="engine" data-turn="engine">"# + shown("turn.engine", .english)))
            let ours = shown("turn.rollcall.exception", .english)
            #expect(fleet.contains(#"data-attended="rollcall" data-turn="rollcall">"# + ours))
            let story = try await page.send("GET", "/agents/old?lang=en", signIn).text
            #expect(story.contains("For the engine to answer.") && !story.contains("For somebody to act"))
        }
    }

    @Test
    func `an agent without a session waits for a mapping, whoever acts for engines`() async throws {
        try await withPage { page in
            let answer = try await page.management.send("PUT", "/v1/agents/bare", json: #"{"name":"","team":""}"#)
            #expect(answer.status == 201)
            let signIn = try await page.signIn(as: .view)
            let story = try await page.send("GET", "/agents/bare", signIn).text
            #expect(story.contains("For somebody to map a session."))
        }
    }

    /// What says whose turn it is while an incident lasts: as of an agent's session, but for many who scan.
    ///
    /// What many sessions of an engine have at about the same time differs from what one of them has, too: into a single session
    /// a manager or Rollcall looks, as its card says; that many are alike lies at the engine, so that it is for whoever runs it.
    private func turn(_ kind: IncidentKind, _ words: Catalogue) -> String {
        let key: String
        switch kind {
        case .accountRefused, .readsRefused, .accountUnattended: key = "turn.operator"
        case .engineOutage, .commandsRefused, .sessionsSuspect, .wordsUnknown, .sessionsKeepFalling: key = "turn.engine"
        case .sessionsFailing: key = "turn.rollcall.exception"
        case .sessionsUnknown, .sourceSilent: key = "turn.mapper"
        case .changeHeld: key = "turn.manager"
        case .sessionsLoggedOut:
            switch words.language {
            case .english: return "The agents' turn:"
            case .spanish: return "Les toca a los agentes:"
            case .arabic: return "الدور على الموظفين:"
            }
        }
        return String(words(key).prefix { $0 != ":" }) + ":"
    }

    @Test(arguments: IncidentKind.allCases)
    func `an incident says for how long it lasts, and whose turn it is`(kind: IncidentKind) {
        let now = Timestamp(seconds: 1_800_000_000)
        let incident = Incident(
            id: 1,
            engine: kind == .sourceSilent || kind == .changeHeld ? nil : "main",
            source: kind == .sourceSilent ? "hr" : nil,
            kind: kind.rawValue,
            openedAt: now - .seconds(90),
            closedAt: nil,
            detail: "",
            change: kind == .changeHeld ? 7 : nil,
            agents: 3
        )
        for language in Language.allCases {
            let words = languages[language]
            let pieces = incidentValues(incident, words, now: now)["sentence"] as? [[String: Any]] ?? []
            #expect(pieces.contains { $0["age_of"] != nil }, "\(language)")
            let last = pieces.last?["say_text"] as? String ?? ""
            #expect(last.hasPrefix(". " + turn(kind, words)), "\(language): \(last)")
        }
    }

    @Test(arguments: [("live.engine_silent", IncidentKind.engineOutage), ("live.nobody_acts", .accountUnattended)])
    func `a line about an engine says whose turn it is as its incident does`(line: String, kind: IncidentKind) {
        for language in Language.allCases {
            let words = languages[language]
            let turn = String(words("incident.engine." + kind.rawValue).split(separator: "{began}").last ?? "")
            #expect(turn.hasPrefix(". " + self.turn(kind, words)) && words(line).hasSuffix(turn), "\(line)")
        }
    }

    @Test
    func `a banner says what it is about, so that the script shows no second one for the same`() async throws {
        try await withPage { page in
            try await page.management.addAgent("a1")
            _ = try await page.management.pool.query(
                "INSERT INTO incidents (account, kind) SELECT account, 'engine_outage' FROM engine_accounts"
            )
            let source = try await page.send("GET", "/", try await page.signIn(as: .view)).text
            #expect(source.contains(#"data-engine="main" data-kind="engine_outage""#))
            #expect(source.contains("</time>. The engine&#39;s turn: whoever runs it has to look at it."))
        }
    }
}
