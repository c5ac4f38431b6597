import Testing

@testable import Service

@Suite("Catalogue's times")
struct CatalogueTimesTests {
    private let words = PageLanguages()[.english]

    private static let spans: [(Duration, String)] = [
        (.zero, "0 ms"), (.milliseconds(999), "999 ms"), (.milliseconds(1000), "1 s"), (.milliseconds(1290), "1.2 s"),
        (.milliseconds(9999), "9.9 s"), (.seconds(10), "10 s"), (.milliseconds(59_999), "59 s"),
        (.seconds(60), "1 min"),
        (.seconds(7200), "2 h"),
    ]

    @Test(arguments: spans)
    func `a span is told in milliseconds only below a second`(span: Duration, text: String) {
        #expect(words.short(span) == text)
    }

    @Test(arguments: zip(Language.allCases, ["a, b, c", "a, b, c", "a، b، c"]))
    func `texts one after the other have the language's own sign between them`(language: Language, text: String) {
        let words = PageLanguages()[language]
        #expect(words.list(["a", "b", "c"]) == text)
        #expect(words.list(["a"]) == "a" && words.list([]) == "")
    }
}
