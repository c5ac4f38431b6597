import Domain
import Testing

@testable import Service

@Suite("HourStep")
struct HourStepTests {
    private let from = Timestamp(seconds: 1_800_000_000)

    @Test
    func `hours are told one by one, however long a stretch lasts`() {
        // One is stopped from 00:30 to 03:15, another from 02:00 until the span ends at 04:00.
        let steps = [
            HourStep(hour: 0, change: 1, seconds: 1800), HourStep(hour: 2, change: 1, seconds: 3600),
            HourStep(hour: 3, change: -1, seconds: -2700), HourStep(hour: 4, change: -1, seconds: -3600),
        ]
        let hours = HourStep.hours(steps, from: from, to: from + .seconds(4 * 3600))
        #expect(hours.map(\.at) == (0..<4).map { from + .seconds($0 * 3600) })
        #expect(hours.map(\.hours) == [0.5, 1, 2, 1.25])
        #expect(HourStep.hours([], from: from, to: from).isEmpty)
    }

    @Test
    func
        `a stretch that ends within the hour in which it began counts as long as it lasted, and hours without any are left out`()
    {
        // One from 00:10 to 00:40, and another from 02:15 to 02:30.
        let steps = [HourStep(hour: 0, change: 0, seconds: 1800), HourStep(hour: 2, change: 0, seconds: 900)]
        let hours = HourStep.hours(steps, from: from, to: from + .seconds(3 * 3600))
        #expect(hours == [Stats.Share(at: from, hours: 0.5), Stats.Share(at: from + .seconds(7200), hours: 0.25)])
    }
}
