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
        let teller = String(UInt64.max, radix: 36) + " "
        #expect((teller + news.text).utf8.count < 8000)
        #expect(ChangeNews(news.text) == news)
    }

    @Test(arguments: [(0, 0), (1, 0), (0, 1), (360, 0), (300, 100), (361, 719), (512, 0), (0, 1080)])
    func `more than one notification holds is told in parts, each name once`(agents: Int64, instances: Int64) {
        let parts = ChangeNews.gathered(agents: Set(0..<agents), instances: Set(0..<instances), isMore: false)
        var told: (agents: [Int64], instances: [Int64]) = ([], [])
        for part in parts {
            guard case .some(let agents, let instances) = part else {
                Issue.record("everything")
                return
            }
            #expect((1...ChangeChannel.namesLimit).contains(agents.count + instances.count))
            told.agents += agents
            told.instances += instances
        }
        #expect(told.agents == Array(0..<agents) && told.instances == Array(0..<instances))
        #expect(ChangeNews.gathered(agents: [1], instances: [], isMore: true) == [.everything])
    }
}
