import Domain
import Metrics

/// What an account's worker counts.
struct WorkerMeters: Sendable {
    private let pauses: Counter
    private let calls: [EngineCall: CallMeters]
    private let lists: CallMeters
    private let passes: Counter
    private let passDuration: Timer

    init(account: String) {
        calls = Dictionary(
            uniqueKeysWithValues: EngineCall.allCases.map { ($0, CallMeters($0.rawValue, account: account)) }
        )
        lists = CallMeters("list", account: account)
        pauses = Counter(label: "engine_pauses", dimensions: [("account", account)])
        passes = Counter(label: "passes", dimensions: [("account", account)])
        passDuration = Timer(label: "pass_commit", dimensions: [("account", account)])
    }

    func called(_ call: EngineCall, _ verdict: EngineVerdict, in time: Duration) {
        calls[call]?.note(verdict, in: time)
    }

    /// A call that listed all sessions.
    func listed(_ verdict: EngineVerdict, in time: Duration) {
        lists.note(verdict, in: time)
    }

    func paused() {
        pauses.increment()
    }

    func passed(_ count: Int, in time: Duration) {
        passes.increment(by: count)
        passDuration.recordNanoseconds(time.microseconds * 1000)
    }
}

/// What is counted of one kind of call.
private struct CallMeters: Sendable {
    private let verdicts: [EngineVerdict: Counter]
    private let duration: Timer

    init(_ call: String, account: String) {
        duration = Timer(label: "engine_call", dimensions: [("account", account), ("call", call)])
        verdicts = Dictionary(
            uniqueKeysWithValues: EngineVerdict.allCases.map { verdict in
                let dimensions = [("account", account), ("call", call), ("verdict", verdict.rawValue)]
                return (verdict, Counter(label: "engine_calls", dimensions: dimensions))
            }
        )
    }

    func note(_ verdict: EngineVerdict, in time: Duration) {
        verdicts[verdict]?.increment()
        duration.recordNanoseconds(time.microseconds * 1000)
    }
}
