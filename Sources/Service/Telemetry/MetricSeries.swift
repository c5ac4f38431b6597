import Metrics
import Synchronization

/// One metric with one set of labels: what a recording updates and a scrape reads.
protocol MetricSeries: AnyObject, Sendable {
    var id: SeriesID { get }
    /// The series' lines, each with its line feed.
    func lines() -> String
}

/// Which series it is, in the words of the exposition format.
struct SeriesID: Sendable, Hashable {
    /// The metric's full name.
    var name: String
    /// The labels without braces; empty for none.
    var labels: String

    /// One line of output.
    ///
    /// - Parameters:
    ///   - suffix: follows the name (`_bucket`).
    ///   - label: one more label, already written out.
    ///   - value: the number, already written out.
    /// - Returns: the line with its line feed.
    func line(suffix: String = "", label: String = "", value: String) -> String {
        let all = labels.isEmpty || label.isEmpty ? labels + label : "\(labels),\(label)"
        return all.isEmpty ? "\(name)\(suffix) \(value)\n" : "\(name)\(suffix){\(all)} \(value)\n"
    }
}

/// Counts whole things.
final class CounterSeries: CounterHandler, MetricSeries {
    let id: SeriesID
    private let count = Atomic<Int64>(0)

    init(_ id: SeriesID) {
        self.id = id
    }

    func increment(by amount: Int64) {
        count.wrappingAdd(amount, ordering: .relaxed)
    }

    func reset() {
        count.store(0, ordering: .relaxed)
    }

    func lines() -> String {
        id.line(value: String(count.load(ordering: .relaxed)))
    }
}

/// Counts in fractions, for example seconds.
final class FloatingPointCounterSeries: FloatingPointCounterHandler, MetricSeries {
    let id: SeriesID
    private let count = AtomicDouble()

    init(_ id: SeriesID) {
        self.id = id
    }

    func increment(by amount: Double) {
        count.add(amount)
    }

    func reset() {
        count.store(0)
    }

    func lines() -> String {
        id.line(value: MetricText.number(count.value))
    }
}

/// A value that goes up and down; the last one recorded stands.
final class GaugeSeries: MeterHandler, RecorderHandler, MetricSeries {
    let id: SeriesID
    private let gauge = AtomicDouble()

    init(_ id: SeriesID) {
        self.id = id
    }

    func set(_ value: Int64) { gauge.store(Double(value)) }
    func set(_ value: Double) { gauge.store(value) }
    func increment(by amount: Double) { gauge.add(amount) }
    func decrement(by amount: Double) { gauge.add(-amount) }
    func record(_ value: Int64) { gauge.store(Double(value)) }
    func record(_ value: Double) { gauge.store(value) }

    func lines() -> String {
        id.line(value: MetricText.number(gauge.value))
    }
}
