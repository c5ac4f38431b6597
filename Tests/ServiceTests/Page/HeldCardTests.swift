import Domain
import LibPQ
import Testing

@testable import Service

/// The card of a change that waits, as the server shows it: to who has no script, and before the script is there.
@Suite("Cards of changes that wait", .timeLimit(.minutes(2)))
struct HeldCardTests {
    private let languages = PageLanguages()
    private let now = Timestamp(microseconds: 1_800_000_000_000_000)

    private func change(_ kind: HeldKind, _ wish: HeldWish) -> HeldChange {
        HeldChange(
            change: 7,
            kind: kind,
            reason: .tooMany,
            state: .held,
            askedBy: "Eva",
            askedAt: now - .seconds(120),
            expiresAt: now + .seconds(3600),
            affected: 9,
            fleet: 11,
            waiting: wish.concerned,
            agents: wish.concerned,
            wish: wish
        )
    }

    /// The lines of what is asked for, as they are read.
    private func lines(_ kind: HeldKind, _ wish: HeldWish, _ language: Language = .english) throws -> [String] {
        let values = HeldCardModel(change: change(kind, wish), words: languages[language], now: now).values
        let asks = try #require(values["asks"] as? [[String: [[String: Any]]]])
        return asks.map { ask in
            (ask["pieces"] ?? []).map { piece in
                if let time = piece["clock_of"] as? [String: Any] { return time["clock"] as? String ?? "" }
                return ["say_text", "say_name", "say_quote"].compactMap { piece[$0] as? String }.joined()
            }.joined()
        }
    }

    private var hold: Hold {
        Hold(state: .stopped, until: now + .seconds(3600), reason: "the office moves", author: "Eva")
    }

    @Test
    func `it says what is asked for in a sentence each`() throws {
        let until = clockTime(now + .seconds(3600))
        let wish = HeldWish(asks: [HeldWish.Ask(kind: "hold", hold: hold, agents: 9)], concerned: 9)
        #expect(
            try lines(.order, wish) == [
                "The session would be held stopped until \(until), by Eva, because the office moves."
            ]
        )
        let both = HeldWish(
            asks: [HeldWish.Ask(kind: "instance", agents: 6), HeldWish.Ask(kind: "events", agents: 1)],
            concerned: 6
        )
        #expect(
            try lines(.fromImport, both) == [
                "6 agents: The agent would get another session.",
                "1 agent: Clock events would count that nobody could be found for so far.",
            ]
        )
    }

    private static let asks: [(HeldWish.Ask, String)] = [
        (HeldWish.Ask(kind: "release", agents: 2), "released"),
        (HeldWish.Ask(kind: "removal", agents: 2), "removal"),
        (HeldWish.Ask(kind: "removal", erases: true, agents: 2), "erasure"),
        (HeldWish.Ask(kind: "instance", agents: 2), "sessions"),
        (HeldWish.Ask(kind: "instance", unassigns: true, agents: 2), "no_instance"),
        (HeldWish.Ask(kind: "events", agents: 2), "events"),
        (HeldWish.Ask(kind: "setting", agents: 2), "setting"),
        (HeldWish.Ask(kind: "stop", agents: 2), "stop"),
    ]

    @Test(arguments: asks.indices, Language.allCases)
    func `everything that can be asked for has its own sentence`(number: Int, language: Language) throws {
        let (ask, word) = Self.asks[number]
        let shown = try lines(.order, HeldWish(asks: [ask], concerned: 2), language)
        #expect(shown == [languages[language]("guard.part." + word)])
    }

    @Test(arguments: Language.allCases)
    func `it says whose turn it is: of who may decide their own, and of a setting nobody's who is bound to teams`(
        language: Language
    ) {
        func turn(_ kind: HeldKind, _ role: Role, _ teams: Set<String>?) -> String? {
            let asked = change(kind, HeldWish(concerned: 2))
            let caller = Caller(keyID: GuardDueStatements.nobody, name: "Eva", role: role, teams: teams, sourceID: 0)
            let mayDecide = HeldCardModel.mayDecide(asked, caller)
            let card = HeldCardModel(change: asked, words: languages[language], now: now, mayDecide: mayDecide)
            return card.values["turn"] as? String
        }
        let (own, other) = (languages[language]("guard.turn.own"), languages[language]("guard.turn.other"))
        #expect(own != other)
        #expect(turn(.order, .manage, nil) == own && turn(.order, .manage, ["a"]) == own)
        #expect(turn(.setting, .admin, nil) == own && turn(.setting, .manage, ["a"]) == other)
        #expect(turn(.order, .view, nil) == other)
    }

    @Test
    func `nobody is asked once its time is over, also before somebody has dropped it`() async throws {
        var over = change(.order, HeldWish(concerned: 2))
        #expect(HeldCardModel.isAsked(over, now: now))
        over.expiresAt = now
        #expect(!HeldCardModel.isAsked(over, now: now))
        over.expiresAt = nil
        #expect(HeldCardModel.isAsked(over, now: now))
        try await withPage { page in
            try await page.management.addOnShift(["a1"])
            let file = page.management.fileOfSessions(["a1"], prefix: "j")
            let number = try #require(try await page.management.importFile(file).heldChange)
            let signIn = try await page.signIn(as: .manage)
            let card = "data-change=\"\(number)\""
            #expect(try await page.send("GET", "/", signIn).text.contains(card))
            _ = try await page.management.pool.query(
                "UPDATE guard_changes SET expires_at = now() - interval '1 second'"
            )
            #expect(try await !page.send("GET", "/", signIn).text.contains(card))
        }
    }

    @Test
    func `the page shows it in every language, and a reason is text that runs for itself`() async throws {
        try await withPage { page in
            let agents = (1...7).map { "a\($0)" }
            try await page.management.addOnShift(agents)
            let names = agents.map { "\"\($0)\"" }.joined(separator: ",")
            let until = (page.management.clock.now() + .seconds(3600)).rfc3339
            let hold = #"{"state":"stopped","until":"\#(until)","reason":"<b>moves\#u{202E}"}"#
            let body = #"{"action":"hold","agents":[\#(names)],"hold":\#(hold)}"#
            let answer = try await page.management.send("POST", "/v1/actions", as: .manage, json: body)
            #expect(answer.status < 300, "\(answer.text)")
            let number = try #require(try await page.management.heldChanges().first)
            let signIn = try await page.signIn(as: .view)
            for language in Language.allCases {
                let source = try await page.send("GET", "/?lang=\(language.rawValue)", signIn).text
                let start = try #require(source.firstRange(of: #"<li class="need guard" data-change="\#(number)">"#))
                let rest = source[start.upperBound...]
                let card = String(rest[..<(rest.firstRange(of: "</li>")?.lowerBound ?? rest.endIndex)])
                #expect(card.contains("<q>&lt;b&gt;moves\u{202E}\u{202C}</q>"), "\(card)")
                #expect(card.contains("<bdi>Agent a1</bdi> · <bdi>Agent a2</bdi> · <bdi>Agent a3</bdi>"), "\(card)")
                let words = languages[language]
                for sentence in [
                    words.count("guard.all", 7), words("guard.more", ["n": "4"]), words.count("guard.agents", 7),
                    words("guard.turn.other"),
                ] { #expect(card.replacing("&#39;", with: "'").contains(sentence), "\(sentence) in \(card)") }
                #expect(source.contains(words("guard.means")), "what comes of either answer")
                #expect(source.contains("<h2 id=\"guards-title\">\(words("guard.heading"))</h2>"), "what it is about")
                #expect(source.contains(#"aria-labelledby="guards-title" >"#), "it is seen")
            }
            #expect(try await page.management.send("POST", "/v1/guard/\(number)/refuse", as: .manage).status == 200)
            let source = try await page.send("GET", "/?lang=en", signIn).text
            #expect(!source.contains("data-change=\"") && source.contains(#"aria-labelledby="guards-title" hidden>"#))
        }
    }
}
