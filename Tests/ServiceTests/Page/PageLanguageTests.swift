import Domain
import Service
import Testing

@Suite("Page languages")
struct PageLanguageTests {
    /// What a browser asks for that chose a language in its newest tab.
    private func ask(
        _ path: String,
        _ page: PageFixture,
        _ signIn: SignIn,
        chosen: String,
        reread: String? = nil
    ) async throws -> WireResponse {
        var headers = ["Cookie": "\(signIn.cookie); rollcall_lang=\(chosen)", "Accept-Language": "en"]
        if let reread { headers["X-Rollcall-Reread"] = reread }
        return try await page.send("GET", path, nil, headers: headers)
    }

    @Test
    func `who chooses a language has it for all that is opened later`() async throws {
        try await withPage { page in
            let signIn = try await page.signIn(as: .view)
            let chosen = try await ask("/?lang=ar", page, signIn, chosen: "es")
            #expect(chosen.text.contains(#"<html lang="ar""#))
            #expect(chosen.headers["set-cookie"]?.hasPrefix("rollcall_lang=ar;") == true)
            let later = try await ask("/sources", page, signIn, chosen: "ar")
            #expect(later.text.contains(#"<html lang="ar""#))
            #expect(later.headers["set-cookie"] == nil)
        }
    }

    @Test(arguments: [
        ("/", "en", "en"), ("/?lang=ar", "ar", "ar"), ("/?lang=ar", "en", "en"), ("/sources", "ar", "ar"),
        // As pages of an earlier release say it.
        ("/", "true", "es"), ("/?lang=ar", "true", "ar"),
    ])
    func `what an open page reads again is in its own language, and chooses none for others`(
        path: String,
        reread: String,
        language: String
    ) async throws {
        try await withPage { page in
            let signIn = try await page.signIn(as: .view)
            let answer = try await ask(path, page, signIn, chosen: "es", reread: reread)
            #expect(answer.status == 200)
            #expect(answer.text.contains("<html lang=\"\(language)\""))
            #expect(answer.headers["set-cookie"] == nil)
        }
    }

    @Test
    func `how many names are nobody's is told in the language of the page that asks`() async throws {
        try await withPage { page in
            try await page.management.addEvent(.clockIn, of: "nobody", ago: .seconds(5), matched: false)
            let signIn = try await page.signIn(as: .view)
            var texts: Set<String> = []
            for query in ["", "?lang=en", "?lang=ar"] {
                let answer = try await ask("/unmatched/count" + query, page, signIn, chosen: "es")
                #expect(answer.headers["set-cookie"] == nil)
                texts.insert(try #require(try answer.json()["text"] as? String))
            }
            #expect(texts.count == 3 && !texts.contains(""), "\(texts)")
        }
    }
}
