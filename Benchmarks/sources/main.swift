import ClockSources
import Domain
import Foundation

// Measures what it costs to verify and read a delivery, for each kind of clock source, with recorded deliveries.
//
// usage: swift run -c release source-benchmark [CASES.json [ROUNDS]]
//
// For each kind the deliveries that are accepted are read over and over. A round lasts some milliseconds; its time
// divided by the deliveries read in it is one figure, and the median of the rounds' figures is what counts.

/// The processor's time is shared: a round that was disturbed must not be the one that counts.
let usualRounds = 51
/// Nanoseconds that a round should last at least.
let roundLength = 4_000_000.0

/// One accepted delivery and its adapter.
struct Work {
    var source: any ClockSource
    var delivery: Delivery
}

/// Nanoseconds since some moment.
func nanoseconds() -> Double {
    let elapsed = ContinuousClock.now - start
    return elapsed.inSeconds * 1e9
}

/// Reads all deliveries so many times.
///
/// - Returns: nanoseconds per delivery, and the number of punches, so that nothing is left out as unused.
func round(_ work: [Work], times: Int) throws -> (nanoseconds: Double, punches: Int) {
    var punches = 0
    let began = nanoseconds()
    for _ in 0..<times {
        for item in work { punches += try item.source.read(item.delivery).punches.count }
    }
    return ((nanoseconds() - began) / Double(times * work.count), punches)
}

func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

func padded(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
}

let start = ContinuousClock.now
let arguments = CommandLine.arguments
let path = arguments.count > 1 ? arguments[1] : "Tests/ClockSourcesTests/clock-cases.json"
let rounds = arguments.count > 2 ? Int(arguments[2]) ?? usualRounds : usualRounds
let cases = try JSONDecoder().decode([RecordedDelivery].self, from: Data(contentsOf: URL(filePath: path)))

print("kind               deliveries   bytes   median ns   fastest ns")
for kind in SourceKind.allCases {
    let work = try cases.filter { $0.source == kind.rawValue }.compactMap { item -> Work? in
        guard let delivery = item.delivery, let settings = item.settings else { return nil }
        let source = try makeClockSource(settings)
        // The recorded refusals are no work of an ordinary day.
        return (try? source.read(delivery)).map { _ in Work(source: source, delivery: delivery) }
    }
    guard !work.isEmpty else {
        print("\(kind.rawValue): no delivery was accepted")
        exit(1)
    }
    let times = max(1, Int(roundLength / (try round(work, times: 20).nanoseconds * Double(work.count))))
    let figures = try (0..<rounds).map { _ in try round(work, times: times).nanoseconds }
    let bytes = work.map(\.delivery.body.count).reduce(0, +) / work.count
    print(
        kind.rawValue + padded("\(work.count)", 29 - kind.rawValue.count) + padded("\(bytes)", 8)
            + padded("\(Int(median(figures)))", 12) + padded("\(Int(figures.min() ?? 0))", 13)
    )
}
