import Domain
import Metrics
import Synchronization

/// What an account's worker counts.
struct WorkerMeters: Sendable {
    private let pauses: Counter
    private let lateCommands: Counter
    private let refusedOutcomes: Counter
    private let calls: [EngineCall: CallMeters]
    private let lists: CallMeters
    private let commands: CommandMeters
    private let passes: Counter
    private let passDuration: Timer
    private let line: LineMeters

    init(account: String) {
        calls = Dictionary(
            uniqueKeysWithValues: EngineCall.allCases.map { ($0, CallMeters($0.rawValue, account: account)) }
        )
        lists = CallMeters("list", account: account)
        commands = CommandMeters(account: account)
        pauses = Counter(label: "engine_pauses", dimensions: [("account", account)])
        lateCommands = Counter(label: "late_commands", dimensions: [("account", account)])
        refusedOutcomes = Counter(label: "outcomes_refused", dimensions: [("account", account)])
        passes = Counter(label: "passes", dimensions: [("account", account)])
        passDuration = Timer(label: "pass_commit", dimensions: [("account", account)])
        line = LineMeters(account: account)
    }

    func called(_ call: EngineCall, _ verdict: EngineVerdict, in time: Duration) {
        calls[call]?.note(verdict, in: time)
    }

    /// A command left, whatever the engine said.
    func sent(_ command: PlannedCommand) {
        commands.note(command.action, command.reason)
    }

    /// A call that listed all sessions.
    func listed(_ verdict: EngineVerdict, in time: Duration) {
        lists.note(verdict, in: time)
    }

    func paused() {
        pauses.increment()
    }

    /// A command ended after the lease had run out under which it left.
    func endedLate() {
        lateCommands.increment()
    }

    /// Outcomes of commands that are not written, since the lease was another's when they came back.
    func refusedOutcomes(_ count: Int) {
        refusedOutcomes.increment(by: count)
    }

    func passed(_ count: Int, in time: Duration) {
        passes.increment(by: count)
        passDuration.recordNanoseconds(time.microseconds * 1000)
    }
}

extension WorkerMeters {
    /// What waits in line, and how long what people asked for will take.
    func waits(_ forecast: LineForecast, now: Timestamp) {
        line.note(forecast, now: now)
    }
}

/// What is measured of an account's line; 0 on a replica that does not act for the account.
private struct LineMeters: Sendable {
    private let ranks: [Gauge]
    private let asked: Gauge
    private let finish: Gauge

    init(account: String) {
        ranks = ["people", "repair", "look", "sweep"].map { rank in
            Gauge(label: "engine_line_calls", dimensions: [("account", account), ("rank", rank)])
        }
        asked = Gauge(label: "engine_asked_sessions", dimensions: [("account", account)])
        finish = Gauge(label: "engine_finish_seconds", dimensions: [("account", account)])
    }

    func note(_ forecast: LineForecast, now: Timestamp) {
        let counts = forecast.counts
        for (gauge, count) in zip(ranks, [counts.people, counts.repair, counts.look, counts.sweep]) {
            gauge.record(count)
        }
        asked.record(forecast.asked)
        finish.record(forecast.finishesAt.map { max(0, ($0 - now).inSeconds) } ?? 0)
    }
}

/// How many commands left, and why; of each pair of action and reason from its first on.
private final class CommandMeters: Sendable {
    private struct Key: Hashable {
        var action: Action
        var reason: Reason
    }

    private let account: String
    private let counters = Mutex<[Key: Counter]>([:])

    init(account: String) {
        self.account = account
    }

    func note(_ action: Action, _ reason: Reason) {
        let counter = counters.withLock { counters in
            let key = Key(action: action, reason: reason)
            if let known = counters[key] { return known }
            let dimensions = [("account", account), ("action", action.rawValue), ("reason", reason.rawValue)]
            let counter = Counter(label: "engine_commands", dimensions: dimensions)
            counters[key] = counter
            return counter
        }
        counter.increment()
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
