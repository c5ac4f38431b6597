import Domain
import Testing

@Suite("SessionList")
struct SessionListTests {
    private static let list = SessionList(EngineAnswer(verdict: .ok), statuses: ["a": .working, "b": .stopped])

    @Test func `a listed status that is stored and settled is no news`() {
        #expect(Self.list.finding(for: "a", stored: .status(.working), isSettled: true) == .asStored)
    }

    @Test(
        arguments: [nil, SessionReading.missing, .status(.working), .status(.stopped), .status(.unknown("X"))],
        [true, false]
    )
    func `any other is a read of the session`(stored: SessionReading?, isSettled: Bool) {
        let finding = Self.list.finding(for: "b", stored: stored, isSettled: isSettled)
        let isNews = stored != .status(.stopped) || !isSettled
        #expect(finding == (isNews ? .read(.status(.stopped)) : .asStored))
    }

    @Test(
        arguments: [nil, SessionReading.missing, .status(.working), .status(.stopped)],
        [true, false]
    )
    func `what is not listed is neither missing nor stopped`(stored: SessionReading?, isSettled: Bool) {
        #expect(Self.list.finding(for: "c", stored: stored, isSettled: isSettled) == .notListed)
        let empty = SessionList(EngineAnswer(verdict: .ok))
        #expect(empty.finding(for: "a", stored: stored, isSettled: isSettled) == .notListed)
    }

    @Test(arguments: EngineVerdict.allCases.filter { $0 != .ok })
    func `a list that did not succeed names nobody`(verdict: EngineVerdict) {
        let list = SessionList(EngineAnswer(verdict: verdict), statuses: ["a": .working])
        #expect(list.statuses.isEmpty)
        #expect(list.finding(for: "a", stored: .status(.stopped), isSettled: true) == .notListed)
    }
}
