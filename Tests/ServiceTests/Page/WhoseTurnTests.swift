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
}
