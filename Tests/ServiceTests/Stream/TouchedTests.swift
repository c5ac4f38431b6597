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
        #expect(Set(touched.agents).isDisjoint(with: first.agents))
        #expect(touched.take(2).agents.count == 1)
        #expect(touched.isEmpty)
    }

    @Test
    func `who has waited longest is taken first, whoever is touched meanwhile`() {
        var touched = Touched()
        touched.add(agents: 0..<3000)
        touched.add(instances: 0..<3000)
        for first in stride(from: Int64(0), to: 3000, by: 1000) {
            let taken = touched.take(1000)
            #expect(taken.agents == Array(first..<(first + 1000)) && taken.instances == taken.agents)
            // One that waits is touched again, and a newcomer comes.
            touched.add(agents: [2999, 9000 + first])
            touched.add(instances: [2999, 9000 + first])
        }
        let rest = touched.take(1000)
        #expect(rest.agents == [9000, 10_000, 2999, 11_000] && rest.instances == rest.agents)
    }

    @Test
    func `what was taken and not read is before what was touched since`() {
        var touched = Touched()
        touched.add(agents: [3, 1])
        touched.add(instances: [8])
        touched.add(.everything)
        let taken = touched.take(5)
        touched.add(.some(agents: [2, 1], instances: [7]))
        touched.putBack(taken)
        #expect(touched.agents == [3, 1, 2] && touched.instances == [8, 7])
        #expect(touched.wantsRound)
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
