import Testing

@testable import Service

@Suite("ReadPace")
struct ReadPaceTests {
    private let began = ContinuousClock.now

    @Test(arguments: [(1, 40), (100, 100), (200, 200), (1000, 200)])
    func `the more watch, the more is gathered, within bounds`(watchers: Int, milliseconds: Int) {
        let pace = ReadPace(watchers: watchers, isComplete: true)
        #expect(pace.next(began: began, ended: began) == began + .milliseconds(milliseconds))
    }

    @Test
    func `until everybody is known it hurries, however many wait for that`() {
        let pace = ReadPace(watchers: 200, isComplete: false)
        #expect(pace.next(began: began, ended: began) == began + .milliseconds(40))
    }

    @Test
    func `a read that takes long is not followed by the next at once`() {
        let pace = ReadPace(watchers: 200, isComplete: true)
        #expect(pace.next(began: began, ended: began + .milliseconds(90)) == began + .milliseconds(200))
        #expect(pace.next(began: began, ended: began + .seconds(1)) == began + .milliseconds(1100))
    }
}
