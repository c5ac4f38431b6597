import Domain
import Foundation
import Testing

@testable import Service

@Suite("Catalogue")
struct CatalogueTests {
    private let languages = PageLanguages()

    /// The folder of the sources, found from this file.
    private static let page = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Sources/Service/Page")

    private static func file(_ path: String) throws -> String {
        try String(contentsOf: page.appending(path: path), encoding: .utf8)
    }

    private static func files(_ suffix: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: page.appending(path: "assets").path())
            .filter { $0.hasSuffix(suffix) }.sorted()
    }

    /// A key without the form that a number asks for, where English has one in two forms.
    private func stem(_ key: String, _ english: Catalogue) -> String {
        for form in PluralForm.allCases where key.hasSuffix("." + form.rawValue) {
            let stem = String(key.dropLast(form.rawValue.count + 1))
            if english.sentences[stem + ".one"] != nil, english.sentences[stem + ".other"] != nil { return stem }
        }
        return key
    }

    @Test(arguments: Language.allCases)
    func `every language has every sentence, in every form that it knows`(language: Language) {
        let english = languages[.english]
        let own = languages[language]
        let stems = Set(english.sentences.keys.map { stem($0, english) })
        #expect(Set(own.sentences.keys.map { stem($0, english) }).symmetricDifference(stems).sorted() == [])
        for stem in stems where english.sentences[stem] == nil {
            let forms = PluralForm.allCases.filter { own.sentences[stem + "." + $0.rawValue] != nil }
            #expect(forms == PluralForm.allCases.filter(language.forms.contains), "\(stem)")
        }
    }

    @Test(arguments: Language.allCases)
    func `every sentence has the places of the English one`(language: Language) {
        let english = languages[.english]
        func places(_ sentence: String) -> Set<String> {
            Set(Catalogue.pieces(of: sentence).compactMap { if case .place(let name) = $0 { name } else { nil } })
        }
        for (key, sentence) in languages[language].sentences {
            let stem = stem(key, english)
            let model = places(english.sentences[key] ?? english.sentences[stem + ".other"] ?? "")
            // A form for a single number may say it in a word.
            #expect(places(sentence).symmetricDifference(model).subtracting(stem == key ? [] : ["n"]) == [], "\(key)")
        }
    }

    @Test(arguments: [Language.spanish, .arabic])
    func `nothing was left in English`(language: Language) {
        let english = languages[.english]
        let same = languages[language].sentences.filter { english.sentences[$0.key] == $0.value }.keys
        // Units, which are written alike, and sentences that are nothing but places.
        let alike = same.filter { key in
            let letters = (english.sentences[key] ?? "").replacing(#/\{\w+\}/#, with: "").filter(\.isLetter)
            return letters.count > 3
        }
        let units = ["sources.bytes.one", "sources.bytes.other", "span.hours_minutes"]
        #expect(alike.sorted() == (language == .spanish ? units : []))
    }

    @Test
    func `the page's English is that of the API and the command line`() {
        let words = languages[.english]
        for reason in Reason.allCases {
            #expect(words("reason." + reason.rawValue) == reason.sentence)
            #expect(words.command(reason.rawValue) == reason.commandSentence)
        }
        for code in ProblemCode.allCases {
            #expect(words("problem." + code.rawValue) == code.title)
        }
    }

    @Test(arguments: Language.allCases)
    func `every word that can be shown has its sentence`(language: Language) {
        let words = languages[language]
        var keys: [String] = Condition.allCases.map { "condition." + $0.rawValue }
        keys += Agreement.allCases.map { "agreement." + $0.rawValue } + Turn.allCases.map { "turn." + $0.rawValue }
        keys += ["turn.unattended", "turn.rollcall.exception"]
        keys += Reason.allCases.map { "reason." + $0.rawValue } + Shift.allCases.map { "shift." + $0.rawValue }
        keys += RunState.allCases.map { "state." + $0.rawValue } + Rule.allCases.map { "because." + $0.rawValue }
        keys += PunchKind.allCases.flatMap { ["kind." + $0.rawValue, "why.event." + $0.rawValue] }
        keys += Action.allCases.flatMap { ["action." + $0.rawValue, "why.did." + $0.rawValue] }
        keys += EngineVerdict.allCases.map { "verdict." + $0.rawValue }
        keys += PunchStanding.allCases.filter { $0 != .stands }.map { "standing." + $0.rawValue }
        keys += SourceState.allCases.flatMap { ["source.state." + $0.rawValue, "source.words." + $0.rawValue] }
        keys += SourceOutcome.allCases.map { "outcome." + $0.rawValue }
        keys += SourceOutcome.allCases.filter(\.isRefusal).map { "refusal." + $0.rawValue }
        keys += ["applied", "superseded", "parked", "unmatched", "recorded"].map { "effect." + $0 }
        keys += DeliveryReads.Filter.allCases.map { "sources.filter." + $0.rawValue }
        keys += ProblemCode.allCases.map { "problem." + $0.rawValue }
        keys += Role.allCases.map { "role." + $0.rawValue }
        keys += FleetFilter.Sort.allCases.map { "fleet.sort." + $0.rawValue }
        keys += TimelineSpan.allCases.map { "timeline." + $0.rawValue }
        keys += Wait.allCases.filter { $0 != .nothing }.map { "why.waits." + $0.rawValue }
        keys += IncidentKind.allCases.map { kind in
            switch kind {
            case .accountRefused, .engineOutage, .readsRefused, .sessionsFailing, .sessionsLoggedOut, .sessionsUnknown,
                .commandsRefused, .sessionsSuspect, .wordsUnknown, .sessionsKeepFalling, .accountUnattended:
                "incident.engine." + kind.rawValue
            case .changeHeld: "incident.change." + kind.rawValue
            case .sourceSilent: "incident.source." + kind.rawValue
            }
        }
        keys += (HeldKind.allCases.map(\.rawValue) + ["from_listing"]).map { "guard.what." + $0 }
        keys += [
            "hold.stopped", "hold.running", "release", "released", "removal", "erasure", "instance", "no_instance",
            "sessions",
            "events",
            "setting", "stop",
        ].flatMap { ["guard.part." + $0, "guard.deed." + $0] }
        keys += ["way", "drift", "hibernation"].flatMap { ["stats.chart.\($0)", "stats.chart.\($0)_words"] }
        keys += ["approved", "done", "over", "refused", "expired", "superseded"].map { "guard.state." + $0 }
        keys += RunState.allCases.flatMap { ["guard.then." + $0.rawValue, "why.change.waiting." + $0.rawValue] }
        for key in keys { #expect(words.sentences[key] != nil, "\(key)") }
    }

    /// A hold, a break or a removal asks for the same as a shift does; a list is of nobody's shift by its own words.
    @Test(arguments: zip(Language.allCases, ["shift", "turno", "الدوام"]))
    func `no reason speaks of a shift, since other rules lead to it as well`(language: Language, shift: String) {
        let words = languages[language]
        #expect(words("why.shift.running").contains(shift), "the word that is looked for is the one that is used")
        for reason in Reason.allCases where reason != .listedOnly {
            #expect(!words("reason." + reason.rawValue).contains(shift), "\(reason)")
            #expect(!words.command(reason.rawValue).contains(shift), "\(reason)")
        }
    }

    @Test(arguments: Language.allCases)
    func `a command that is over has a sentence of its own`(language: Language) {
        let words = languages[language]
        let commanding: [Reason] = [
            .shouldRun, .shouldStop, .wentDown, .cameUp, .failedRestart, .stuckRestart, .rebootAsked,
        ]
        for reason in commanding {
            #expect(words.command(reason.rawValue) != words("reason." + reason.rawValue), "\(reason)")
            #expect(!words.command(reason.rawValue).contains("is being"), "\(reason)")
        }
    }

    @Test
    func `no template holds words`() throws {
        for name in try Self.files(".mustache") {
            let template = try Self.file("assets/" + name)
            // What is shown: text between tags, and the attributes that are read out.
            let bare = template.replacing(#/\[\[.*?\]\]/#, with: " ").replacing(#/\{\{[^}]*\}\}/#, with: " ")
            let attributes = bare.matches(of: #/(?:aria-label|title|placeholder|alt|data-label)="([^"]*)"/#)
            let spoken = attributes.map { String($0.1) }
            let text = bare.replacing(#/<code>[^<]*<\/code>/#, with: " ").replacing(#/<[^>]*>/#, with: " ")
            let words = (spoken + [text]).flatMap { $0.matches(of: #/\p{L}{2,}/#).map { String($0.0) } }
            #expect(words.filter { $0 != "Rollcall" } == [], "\(name)")
        }
    }

    @Test
    func `no script holds words`() throws {
        for name in try Self.files(".js") {
            let script = try Self.file("assets/" + name).split(separator: "\n")
                .filter { $0.firstMatch(of: #/^ *(\/\/|\/\*\*|\*)/#) == nil }
                .map { $0.replacing(#/ \/\/ .*$/#, with: "") }.joined(separator: "\n")
            let literals = script.matches(of: #/"([^"\n]*)"|`([^`]*)`/#).map { String($0.1 ?? $0.2 ?? "") }
            // Words of people have a blank between them; selectors and addresses have signs as well.
            let sentences = literals.filter { literal in
                literal.firstMatch(of: #/\p{L}{2,} \p{L}{2,}/#) != nil
                    && literal.firstMatch(of: #/[\[\]#=.>{}]/#) == nil
            }
            #expect(sentences == [], "\(name)")
            #expect(script.firstMatch(of: #/(textContent|innerText|title|alt) = "[^"]/#) == nil, "\(name)")
        }
    }

    @Test
    func `a browser gets the scripts without their notes, and nothing else is left out`() throws {
        let script = """
            // A note.
            import { a } from "./a.js"; // goes

            /** One. */
            const b = "// no note";
              /**
               * Many.
               */
              b(); /* stays */
            """
        let bare = String(decoding: PageAssets.withoutNotes(Array(script.utf8)), as: UTF8.self)
        #expect(
            bare == """
                import { a } from "./a.js";
                const b = "// no note";
                b(); /* stays */

                """
        )
        for name in try Self.files(".js") {
            let lines = try Self.file("assets/" + name).split(separator: "\n").map { $0.drop { $0 == " " } }
            // No line of code begins as one of a note does, no note ends before code, and no text begins in one line and ends in
            // another.
            let doubtful = lines.filter { line in
                line.hasPrefix("/*") && !line.hasPrefix("/**") || line.firstMatch(of: #/\*\/./#) != nil
                    || line.count { $0 == "`" } % 2 != 0 && !line.hasPrefix("//") && !line.hasPrefix("*")
            }
            #expect(doubtful == [], "\(name)")
        }
        for name in try Self.files(".css") {
            let doubtful = try Self.file("assets/" + name).split(separator: "\n").filter { line in
                line.firstMatch(of: #/\*\/./#) != nil || line.contains(" // ")
                    || line.contains("/*") && !line.contains("*/") && line.firstMatch(of: #/^ *\/\*/#) == nil
            }
            #expect(doubtful == [], "\(name)")
        }
    }

    @Test
    func `what a script says is in the catalogue`() throws {
        let english = languages[.english]
        for name in try Self.files(".js") {
            for call in try Self.file("assets/" + name).matches(of: #/\b(say|phrase|tell|count)\("([a-z_.]+)"/#) {
                let key = String(call.2)
                let isKnown =
                    call.1 == "count" ? english.sentences[key + ".other"] != nil : english.sentences[key] != nil
                #expect(isKnown, "\(name): \(key)")
            }
        }
    }

    /// A script and all that it imports.
    private static func scripts(of name: String) throws -> Set<String> {
        var found: Set = [name]
        var open = [name]
        while let next = open.popLast() {
            for module in try file("assets/" + next).matches(of: #/(?:from |import\()["`]\.\/([a-z-]+\.js)/#).map({
                String($0.1)
            })
            where found.insert(module).inserted { open.append(module) }
        }
        return found
    }

    @Test
    func `a page brings every word that its scripts say by name`() async throws {
        try await withPage { page in
            try await page.management.addAgent("a1")
            let admin = try await page.signIn(as: .admin)
            for (path, script) in [
                ("/", "fleet.js"), ("/agents/a1", "agent.js"), ("/unmatched", "unmatched.js"),
                ("/sources", "sources.js"), ("/stats", "stats.js"),
            ] {
                let source = try await page.send("GET", path, admin).text
                let brought = Set(source.matches(of: #/<i data-key="([^"]+)"/#).map { String($0.1) })
                for name in try Self.scripts(of: script) {
                    for call in try Self.file("assets/" + name).matches(of: #/\b(say|phrase|count)\("([a-z_.]+)"/#) {
                        let key = String(call.2) + (call.1 == "count" ? ".other" : "")
                        #expect(brought.contains(key), "\(path), \(name): \(key)")
                    }
                }
            }
        }
    }

    private static let accepted: [(String, Language)] = [
        ("", .english), ("es", .spanish), ("es-MX,es;q=0.9,en;q=0.8", .spanish), ("ar-EG", .arabic),
        ("fr,de;q=0.5", .english), ("fr, es;q=0.2, ar;q=0.7", .arabic), ("es;q=0, en", .english), ("q=;;,", .english),
    ]

    @Test(arguments: accepted)
    func `a browser gets the language that it likes best`(header: String, language: Language) {
        #expect(Language(accepting: header) == language)
    }

    private static let arabicForms: [(Int64, PluralForm)] = [
        (0, .zero), (1, .one), (2, .two), (3, .few), (10, .few), (11, .many), (99, .many), (100, .other), (103, .few),
        (111, .many), (1000, .other),
    ]

    @Test(arguments: arabicForms)
    func `numbers take the form that Arabic gives them`(number: Int64, form: PluralForm) {
        #expect(Language.arabic.form(of: number) == form)
        #expect(languages[.arabic].count("bulk.agents", number).contains("⟦") == false)
    }

    @Test
    func `values and missing sentences are put in as they are`() {
        let words = Catalogue(.english, Array("# a note\na.b = Hello {name}, {n} times\n".utf8))
        #expect(words("a.b", ["name": "<b>", "n": "3"]) == "Hello <b>, 3 times")
        #expect(words("a.b", [:]) == "Hello ⟦name⟧, ⟦n⟧ times")
        #expect(words("no.such") == "⟦no.such⟧")
        #expect(words.speak("<p>[[a.b|name=<i>{{x}}</i>]]</p>") == "<p>Hello <i>{{x}}</i>, {{n}} times</p>")
    }
}
