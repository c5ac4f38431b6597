import Domain
import Testing

@testable import Service

@Suite("Catalogue's times")
struct CatalogueTimesTests {
    private let words = PageLanguages()[.english]

    private static let spans: [(Duration, String)] = [
        (.zero, "0 ms"), (.milliseconds(999), "999 ms"), (.milliseconds(1000), "1 s"), (.milliseconds(1290), "1.2 s"),
        (.milliseconds(9999), "9.9 s"), (.seconds(10), "10 s"), (.milliseconds(59_999), "59 s"),
        (.seconds(60), "1 min"), (.seconds(3599), "59 min"), (.seconds(3600), "1 h 0 min"),
        (.seconds(5700), "1 h 35 min"), (.seconds(172_799), "47 h 59 min"), (.seconds(172_800), "2 d"),
    ]

    @Test(arguments: spans)
    func `a span is told in milliseconds only below a second`(span: Duration, text: String) {
        #expect(words.short(span) == text)
    }

    /// An age, how long something lasts and when it comes, 95 minutes away.
    private static let nearly: [(Language, [String])] = [
        (.english, ["1 h 35 min ago", "for 1 h 35 min", "in 1 h 35 min"]),
        (.spanish, ["hace 1 h 35 min", "desde hace 1 h 35 min", "dentro de 1 h 35 min"]),
        (.arabic, ["قبل 1 س و35 د", "منذ 1 س و35 د", "بعد 1 س و35 د"]),
    ]

    @Test(arguments: nearly)
    func `hours are told with their minutes`(language: Language, texts: [String]) {
        let words = PageLanguages()[language]
        let now = Timestamp(seconds: 1_800_000_000)
        let span = Duration.seconds(95 * 60 + 59)
        let told = [
            words.age(of: now - span, now: now), words.lasting(since: now - span, now: now),
            words.ahead(now + span, now: now),
        ]
        #expect(told == texts)
        #expect(!words.short(span).contains("⟦") && words.short(span).contains("35"))
    }

    @Test
    func `a setting of whole hours is told without minutes`() {
        #expect(words.duration(.seconds(7200)) == "2 h" && words.duration(.seconds(5400)) == "90 min")
    }

    @Test(arguments: zip(Language.allCases, ["a, b, c", "a, b, c", "a، b، c"]))
    func `texts one after the other have the language's own sign between them`(language: Language, text: String) {
        let words = PageLanguages()[language]
        #expect(words.list(["a", "b", "c"]) == text)
        #expect(words.list(["a"]) == "a" && words.list([]) == "")
    }
}
