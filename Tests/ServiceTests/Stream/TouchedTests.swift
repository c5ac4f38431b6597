import Testing

@testable import Service

@Suite("Touched")
struct TouchedTests {
    @Test
    func `hints collapse and are bounded`() {
        var touched = Touched()
        for _ in 0..<3 { touched.add(agents: [1, 2]) }
        #expect(touched.agents == [1, 2])
        touched.add(agents: Array(0..<20_000))
        #expect(touched.agents.count == Touched.limit)
    }

    @Test
    func `more than it holds wants a round at once, which finds what is forgotten`() {
        let limit = Int64(Touched.limit)
        var touched = Touched()
        touched.add(agents: 0..<limit)
        touched.add(agents: 0..<limit)
        #expect(!touched.wantsRound, "nobody is forgotten")
        touched.add(agents: [limit])
        #expect(touched.wantsRound)
        var others = Touched()
        others.add(instances: 0...limit)
        #expect(others.wantsRound)
    }

    @Test
    func `what is taken is taken once, and the rest stays`() {
        var touched = Touched()
        touched.add(agents: [1, 2, 3])
        touched.add(instances: [9])
        let first = touched.take(2)
        #expect(first.agents.count == 2)
        #expect(first.instances == [9])
        #expect(touched.agents.isDisjoint(with: first.agents))
        #expect(touched.take(2).agents.count == 1)
        #expect(touched.isEmpty)
    }

    @Test
    func `a round that is wanted is wanted once`() {
        var touched = Touched()
        touched.add(agents: [1])
        touched.add(.everything)
        #expect(touched.take(5).wantsRound)
        #expect(!touched.wantsRound && touched.isEmpty)
        touched.add(.some(agents: [2], instances: [3]))
        #expect(!touched.wantsRound && touched.agents == [2] && touched.instances == [3])
    }
}
