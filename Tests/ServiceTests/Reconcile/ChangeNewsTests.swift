import Testing

@testable import Service

@Suite("ChangeNews")
struct ChangeNewsTests {
    @Test
    func `what is told is heard`() {
        let news = ChangeNews.some(agents: [1, 22], instances: [3])
        #expect(news.text == "a1 a22 i3")
        #expect(ChangeNews(news.text) == news)
        #expect(ChangeNews(ChangeNews.everything.text) == .everything)
    }

    @Test
    func `what another release may send is left out`() {
        #expect(ChangeNews("a1 x7 i i-2x a 5") == .some(agents: [1], instances: []))
        #expect(ChangeNews("") == .some(agents: [], instances: []))
    }

    @Test
    func `the longest one fits into a notification`() {
        let most = (0..<ChangeChannel.namesLimit).map { Int64.max - Int64($0) }
        let news = ChangeNews.some(agents: most, instances: [])
        #expect(news.text.utf8.count < 8000)
        #expect(ChangeNews(news.text) == news)
    }
}
