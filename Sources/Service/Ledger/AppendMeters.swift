import Metrics

/// What the append path counts.
struct AppendMeters: Sendable {
    private let events = Counter(label: "events_committed")
    private let refusals = Counter(label: "events_refused")
    private let batchSize = Recorder(label: "append_batch_events")
    private let duration = Timer(label: "append_commit")

    func committed(_ count: Int, in time: Duration) {
        events.increment(by: count)
        batchSize.record(count)
        duration.recordNanoseconds(
            time.components.seconds * 1_000_000_000 + time.components.attoseconds / 1_000_000_000
        )
    }

    func refused(_ count: Int) {
        refusals.increment(by: count)
    }
}
