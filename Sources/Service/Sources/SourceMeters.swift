import Domain
import Metrics
import Synchronization

/// What is measured of sources; told once a second, not with each request.
final class SourceMeters: Sendable {
    private struct Key: Hashable {
        var source: Int32
        var outcome: SourceOutcome
    }

    private struct State {
        var names: [Int32: String]
        var counters: [Key: Counter] = [:]
        var lastSeen: [Int32: Gauge] = [:]
        var unfetched: [Int32: Gauge] = [:]
    }

    private let state: Mutex<State>

    /// `names`: of the configured sources, each of which has its counters from the beginning.
    init(_ names: [Int32: String]) {
        state = Mutex(State(names: names))
        for source in names.keys {
            for outcome in SourceOutcome.allCases { add(0, outcome, source) }
        }
    }

    func add(_ tally: SourceTally) {
        for (source, entry) in tally.entries {
            for outcomes in entry.counts.values {
                for (outcome, count) in outcomes { add(count, outcome, source) }
            }
        }
    }

    /// Learns the name of a source that is not configured: one that keys are bound to.
    func learn(_ name: String, of source: Int32) {
        state.withLock { $0.names[source] = name }
    }

    func seen(_ source: Int32, at instant: Timestamp) {
        let gauge = gauge(\.lastSeen, source) { Gauge(label: "source_last_seen_timestamp_seconds", dimensions: $0) }
        gauge?.record(Double(instant.microseconds) / 1_000_000)
    }

    /// Measures how many records of a source could not be fetched.
    func unfetched(_ count: Int64, of source: Int32) {
        let gauge = gauge(\.unfetched, source) { Gauge(label: "source_unfetched_records", dimensions: $0) }
        gauge?.record(count)
    }

    /// One of a source's gauges, made when it is first asked for.
    private func gauge(
        _ kind: WritableKeyPath<State, [Int32: Gauge]>,
        _ source: Int32,
        _ make: ([(String, String)]) -> Gauge
    ) -> Gauge? {
        state.withLock { state in
            guard let name = state.names[source] else { return nil }
            if let gauge = state[keyPath: kind][source] { return gauge }
            let gauge = make([("source", name)])
            state[keyPath: kind][source] = gauge
            return gauge
        }
    }

    private func add(_ count: Int64, _ outcome: SourceOutcome, _ source: Int32) {
        let counter: Counter? = state.withLock { state in
            guard let name = state.names[source] else { return nil }
            let key = Key(source: source, outcome: outcome)
            if let counter = state.counters[key] { return counter }
            let dimensions = [("source", name), ("outcome", outcome.rawValue)]
            let counter = Counter(label: "source_deliveries", dimensions: dimensions)
            state.counters[key] = counter
            return counter
        }
        counter?.increment(by: count)
    }
}
