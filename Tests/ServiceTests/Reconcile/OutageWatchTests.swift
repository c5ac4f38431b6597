import Domain
import Testing

@testable import Service

@Suite("OutageWatch")
struct OutageWatchTests {
    private let now = Timestamp(seconds: 1_800_000_000)
    private var watch = OutageWatch()

    @Test
    mutating func `an outage ends with the first sign of life`() {
        #expect(ends(after: .zero) == true, "one that another replica told of ends too")
        watch.broke(at: now)
        watch.broke(at: now + .seconds(30))
        #expect(ends(after: .seconds(31)) == true)
    }

    @Test
    mutating func `one that comes and goes ends once nothing has broken for a while`() {
        // One call in ten is answered, as by an engine that is asked for more than it can give.
        var told = 0
        for second in 0..<120 {
            watch.broke(at: now + .seconds(second))
            told += ends(after: .seconds(second) + .milliseconds(500)) ? 1 : 0
        }
        #expect(told == OutageWatch.limit)
        #expect(ends(after: .seconds(178)) == false)
        #expect(ends(after: .seconds(179)) == true)
    }

    @Test
    mutating func `those of long before count for nothing`() {
        for second in 0..<OutageWatch.limit {
            watch.broke(at: now + .seconds(second))
            #expect(ends(after: .seconds(second)) == true)
        }
        let later = OutageWatch.memory
        watch.broke(at: now + later)
        #expect(ends(after: later + .milliseconds(1)) == true)
    }

    private mutating func ends(after time: Duration) -> Bool { watch.ends(at: now + time, calm: .seconds(60)) }
}
