import Foundation
import Testing

@testable import Service

@Suite("Problem words", .timeLimit(.minutes(2)))
struct ProblemWordsTests {
    @Test(arguments: Language.allCases)
    func `what somebody can do about a problem is said for people, and not for who writes programs`(
        language: Language
    ) {
        let said = PageLanguages()[language].sentences
        let remedies = said.filter { $0.key.hasPrefix("problem.do.") }
        #expect(remedies.count > 10)
        for (key, sentence) in remedies {
            #expect(ProblemCode(rawValue: String(key.dropFirst("problem.do.".count))) != nil, "\(key)")
            // Names of methods, headers, addresses and members.
            let technical = sentence.firstMatch(of: #/[A-Z]{3}|[A-Za-z]-[A-Z]|[\/_?=]|\b(qr|code|state|field)\b/#)
            #expect(technical == nil, "\(key): \(sentence)")
        }
    }

    @Test
    func `no page says what a program should send`() async throws {
        try await withPage { page in
            try await page.management.addAgent("a1")
            let admin = try await page.signIn(as: .admin)
            for language in Language.allCases {
                var views = ["": try await page.send("GET", "/?lang=\(language.rawValue)", nil).text]
                let paths = ["/", "/agents/a1", "/unmatched", "/sources", "/stats", "/agents/nobody", "/stats?day=now"]
                for path in paths {
                    let address = path + (path.contains("?") ? "&" : "?") + "lang=\(language.rawValue)"
                    views[path] = try await page.send("GET", address, admin).text
                }
                for (path, view) in views {
                    #expect(!view.contains("⟦"), "\(path), \(language)")
                    for word in ["Retry-After", "GET /v1", "state running", "qr or code", "Expected a date"] {
                        #expect(!view.contains(word), "\(path), \(language): \(word)")
                    }
                }
                let words = PageLanguages()[language]
                #expect(views["/agents/nobody"]?.contains("<p>" + words("problem.do.not_found") + "</p>") == true)
                #expect(views["/stats?day=now"]?.contains("<p>" + words("problem.do.invalid_field") + "</p>") == true)
                let brought = #"<i data-key="problem.do.pairing_begins">"# + words("problem.do.pairing_begins") + "</i>"
                #expect(views["/agents/a1"]?.contains(brought) == true)
            }
        }
    }
    @Test(arguments: Language.allCases)
    func `a refused sign-in is told in the catalogue's words, in English as well`(language: Language) async throws {
        try await withPage { page in
            let answer = try await page.send(
                "POST",
                "/session",
                nil,
                json: "key=rk_wrong",
                headers: [
                    "Content-Type": "application/x-www-form-urlencoded", "Accept-Language": language.rawValue,
                ]
            )
            let said = PageLanguages()[language]("problem.unauthenticated")
            #expect(answer.status == 401)
            #expect(answer.text.contains(#"role="alert">"# + said + "</p>"))
        }
    }

    @Test
    func `no script asks which language it speaks, so none has other words in one of them`() throws {
        let assets = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Sources/Service/Page/assets")
        let names = try FileManager.default.contentsOfDirectory(atPath: assets.path()).filter { $0.hasSuffix(".js") }
        #expect(names.contains("acts.js"))
        for name in names {
            let script = try String(contentsOf: assets.appending(path: name), encoding: .utf8)
            #expect(script.firstMatch(of: #/language [!=]==/#) == nil, "\(name)")
        }
    }
}
