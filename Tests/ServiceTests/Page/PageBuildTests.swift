import Domain
import Testing

@testable import Service

/// By what a page that is open notices that another release answers it.
@Suite("Page build", .timeLimit(.minutes(1)))
struct PageBuildTests {
    @Test
    func `every page, and what it asks for by itself, says of which build it is`() async throws {
        try await withPage { page in
            try await page.management.addAgent("a1")
            let signIn = try await page.signIn(as: .admin)
            for path in ["/", "/?lang=ar", "/agents/a1", "/sources", "/stats", "/unmatched", "/unmatched/count"] {
                let answer = try await page.send("GET", path, signIn, headers: ["X-Rollcall-Reread": "true"])
                #expect(answer.headers["x-rollcall-build"] == PageBuild.word, "\(path)")
                let isPage = path != "/unmatched/count"
                #expect(answer.text.contains(#"<body data-build="\#(PageBuild.word)">"#) == isPage, "\(path)")
            }
        }
    }

    @Test
    func `a build is another one as soon as any file is`() {
        let files = [Array("one".utf8), Array("two".utf8)]
        let word = PageBuild.digest(of: files)
        #expect(word.count == 8 && word == PageBuild.digest(of: files))
        for others in [["one", "twp"], ["two", "one"], ["onet", "wo"], ["one", "two", ""], ["one"]] {
            #expect(PageBuild.digest(of: others.map { Array($0.utf8) }) != word, "\(others)")
        }
    }

    @Test
    func `a page says by itself that a part of it is missing, and how to get it, in every language`() async throws {
        try await withPage { page in
            let signIn = try await page.signIn(as: .view)
            for language in Language.allCases {
                let words = PageLanguages()[language]
                let source = try await page.send("GET", "/?lang=\(language.rawValue)", signIn).text
                let banner = try #require(source.firstMatch(of: #/<p id="stalled"[^>]*>(.*?)<\/p>/#)?.1)
                #expect(banner.contains(#"<a href="">\#(words("layout.reload"))</a>"#), "\(language)")
            }
        }
    }
}
