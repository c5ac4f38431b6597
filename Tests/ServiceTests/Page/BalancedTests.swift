import Domain
import Testing

@testable import Service

/// Marks of direction in names: the browser's tests have the same table for the script.
@Suite("Balanced")
struct BalancedTests {
    private static let names: [(String, String)] = [
        ("\u{202E}exe.txt", "\u{202E}exe.txt\u{202C}"),
        ("closes\u{2069}\u{202C} what is not open", "closes what is not open"),
        ("\u{202C}\u{2069}", ""),
        ("a\u{2068}b", "a\u{2068}b\u{2069}"),
        ("\u{2066}\u{2067}\u{2068}", "\u{2066}\u{2067}\u{2068}\u{2069}\u{2069}\u{2069}"),
        ("\u{202A}\u{2067}x", "\u{202A}\u{2067}x\u{2069}\u{202C}"),
        ("\u{2068}\u{202B}x\u{202C}\u{2069}", "\u{2068}\u{202B}x\u{202C}\u{2069}"),
        ("\u{2068}\u{202B}x\u{2069}y\u{202C}", "\u{2068}\u{202B}x\u{2069}y"),
        ("\u{202B}\u{2068}x\u{202C}y\u{2069}", "\u{202B}\u{2068}xy\u{2069}\u{202C}"),
        ("\u{2067} one \u{202B} two \u{2069} three", "\u{2067} one \u{202B} two \u{2069} three"),
        ("plain", "plain"), ("", ""), ("\u{200E}\u{200F}مرحبا", "\u{200E}\u{200F}مرحبا"),
    ]

    @Test(arguments: names)
    func `what is open is closed, and what closes nothing goes`(name: String, shown: String) {
        #expect(Array(balanced(name).unicodeScalars) == Array(shown.unicodeScalars))
        #expect(Array(balanced(shown).unicodeScalars) == Array(shown.unicodeScalars))
    }

    @Test
    func `names are shown so in titles, labels, choices and cells, and kept as they are`() async throws {
        try await withPage { page in
            let name = "Ann\u{2069}a\u{202E}"
            let agent =
                "{\"name\":\"\(name)\",\"team\":\"\(name)\",\"aliases\":[{\"source\":\"api\",\"external_id\":\"\(name)\"}]}"
            #expect(try await page.management.send("PUT", "/v1/agents/a1", json: agent).status == 201)
            try await page.management.addEvent(.clockIn, of: name + "!", ago: .seconds(60), matched: false)
            let admin = try await page.signIn(as: .admin)
            #expect(try await page.send("GET", "/v1/agents/a1", admin).json()["name"] as? String == name)
            let shown = "Anna\u{202E}\u{202C}"
            let story = try await page.send("GET", "/agents/a1", admin).text
            #expect(story.contains("<title>\(shown) · Rollcall</title>") && story.contains("<bdi>\(shown)</bdi>"))
            #expect(!story.contains(name), "nor in the label of the button that takes the name away")
            let fleet = try await page.send("GET", "/", admin).text
            #expect(fleet.contains("<option value=\"\(name)\" >\(shown)</option>"))
            #expect(fleet.contains("data-field=\"team\">\(shown)</td>"))
            let stats = try await page.send("GET", "/stats", admin).text
            #expect(stats.contains(">\(shown)</option>"))
            let unmatched = try await page.send("GET", "/unmatched", admin).text
            #expect(
                unmatched.contains("data-name=\"\(name)!\"") && unmatched.contains("<bdi>Anna\u{202E}!\u{202C}</bdi>")
            )
        }
    }
}
