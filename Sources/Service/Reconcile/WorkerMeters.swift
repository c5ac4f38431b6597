import Domain
import Metrics

/// What an account's worker counts.
struct WorkerMeters: Sendable {
    private let pauses: Counter
    private let calls: [EngineCall: [EngineVerdict: Counter]]
    private let durations: [EngineCall: Timer]
    private let passes: Counter
    private let passDuration: Timer

    init(account: String) {
        var calls: [EngineCall: [EngineVerdict: Counter]] = [:]
        var durations: [EngineCall: Timer] = [:]
        for call in EngineCall.allCases {
            durations[call] = Timer(label: "engine_call", dimensions: [("account", account), ("call", call.rawValue)])
            for verdict in EngineVerdict.allCases {
                let dimensions = [("account", account), ("call", call.rawValue), ("verdict", verdict.rawValue)]
                calls[call, default: [:]][verdict] = Counter(label: "engine_calls", dimensions: dimensions)
            }
        }
        self.calls = calls
        self.durations = durations
        pauses = Counter(label: "engine_pauses", dimensions: [("account", account)])
        passes = Counter(label: "passes", dimensions: [("account", account)])
        passDuration = Timer(label: "pass_commit", dimensions: [("account", account)])
    }

    func called(_ call: EngineCall, _ verdict: EngineVerdict, in time: Duration) {
        calls[call]?[verdict]?.increment()
        durations[call]?.recordNanoseconds(time.microseconds * 1000)
    }

    func paused() {
        pauses.increment()
    }

    func passed(_ count: Int, in time: Duration) {
        passes.increment(by: count)
        passDuration.recordNanoseconds(time.microseconds * 1000)
    }
}
