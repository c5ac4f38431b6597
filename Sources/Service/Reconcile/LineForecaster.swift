import Domain
import Synchronization

/// Follows what people asked of an account's sessions until it is proved, measures how fast that goes, and predicts when it is done.
///
/// Knows a session only as long as something is on its way there, as the line and the timers do.
final class LineForecaster: Sendable {
    /// What is to come later than this is waited for and not on its way.
    static let patience: Duration = .seconds(30)
    /// Looks that waited longer in line tell nothing of how long a session takes.
    private static let shortWait: Duration = .milliseconds(500)

    fileprivate struct Errand {
        var action: Action
        /// When the command's answer came; `nil` before that.
        var answeredAt: Timestamp?
        /// How long its looks waited in line.
        var waited: Duration = .zero
        var looks = 0
    }

    fileprivate struct State {
        var errands: [Int64: Errand] = [:]
        var lastAnsweredAt: Timestamp?
        var lastAction = Action.start
        var durations = (command: Estimate(), look: Estimate())
        /// By whether a session comes up or goes down.
        var settling = (up: RecentValues(), down: RecentValues())
        var looks = Estimate()
        var rate: Estimate?
        var sample: (load: LineLoad, at: Timestamp)?
    }

    private let state = Mutex(State())
    private let width: Int
    private let delay: Duration

    /// - Parameters:
    ///   - width: calls under way at a time.
    ///   - delay: the least time between a command's answer and the look that proves it.
    init(width: Int, delay: Duration) {
        self.width = width
        self.delay = delay
    }

    func commandTook(_ time: Duration) { state.withLock { $0.durations.command.take(time.inSeconds) } }

    /// `waited`: how long it was in line.
    func lookTook(_ time: Duration, of instance: Int64, waited: Duration) {
        state.withLock { state in
            state.durations.look.take(time.inSeconds)
            state.errands[instance]?.waited += waited
        }
    }

    /// Takes in what was decided, in the order in which it was.
    func take(_ plans: [Plan], now: Timestamp) {
        state.withLock { state in
            for plan in plans { state.take(plan, shortWait: Self.shortWait, now: now) }
        }
    }

    /// The account is another's.
    func forget() {
        state.withLock { state in
            state.errands = [:]
            state.lastAnsweredAt = nil
            state.rate = nil
            state.sample = nil
        }
    }

    /// What waits, and when what people asked for is done.
    ///
    /// Called about once a second; measures how fast calls leave while more wait.
    func forecast(_ load: LineLoad, isSilent: Bool, now: Timestamp) -> LineForecast {
        state.withLock { state in
            state.measure(load, now: now)
            let asked = AskedWork(sessions: state.errands.count, lastAnsweredAt: state.lastAnsweredAt)
            let settling = state.lastAction == .stop ? state.settling.down : state.settling.up
            let pace = LinePace(
                command: .seconds(state.durations.command.mean ?? 0),
                look: .seconds(state.durations.look.mean ?? 0),
                settling: .seconds(settling.largest(of: asked.sessions) ?? 0),
                looksPerCommand: state.looks.mean ?? 1,
                callsPerSecond: state.rate?.mean
            )
            var forecast = LineForecast(asked: asked.sessions, counts: load.counts, predictedAt: now)
            if !isSilent, !load.isPaused {
                forecast.finishesAt = predictedFinish(asked, load, pace, width: width, delay: delay, now: now)
            }
            return forecast
        }
    }
}

extension LineForecaster.State {
    fileprivate mutating func take(_ plan: Plan, shortWait: Duration, now: Timestamp) {
        let instance = plan.subject.instance
        guard plan.priority == .people, plan.isOnItsWay(now: now) else {
            guard let errand = errands.removeValue(forKey: instance) else { return }
            if plan.isDone { learn(errand, plan.subject.evidence, shortWait: shortWait) }
            if errands.isEmpty { lastAnsweredAt = nil }
            return
        }
        let evidence = plan.subject.evidence
        let action = plan.command?.action ?? evidence.lastCommand?.action ?? .start
        var errand = errands[instance] ?? LineForecaster.Errand(action: action)
        if plan.command != nil {
            errand = LineForecaster.Errand(action: action)
        } else if let endedAt = evidence.lastCommand?.endedAt {
            if errand.answeredAt == endedAt {
                errand.looks += 1
            } else {
                errand.answeredAt = endedAt
                lastAnsweredAt = max(lastAnsweredAt ?? endedAt, endedAt)
                lastAction = errand.action
            }
        }
        errands[instance] = errand
    }

    /// Learns how long a session takes until it is proved, where its looks did not have to wait in line.
    private mutating func learn(_ errand: LineForecaster.Errand, _ evidence: Evidence, shortWait: Duration) {
        guard let answeredAt = errand.answeredAt, let provedAt = evidence.readAt, provedAt >= answeredAt else { return }
        looks.take(Double(errand.looks + 1))
        guard errand.waited <= shortWait else { return }
        let time = (provedAt - answeredAt).inSeconds
        if errand.action == .stop { settling.down.take(time) } else { settling.up.take(time) }
    }

    /// Takes in how many calls left since the last time, if some had to wait all the while.
    fileprivate mutating func measure(_ load: LineLoad, now: Timestamp) {
        defer { sample = (load, now) }
        guard let sample, !load.isPaused, !sample.load.isPaused, now > sample.at else { return }
        guard load.counts.waits(with: sample.load.counts) else {
            if load.counts.isEmptyOfAsked { rate = nil }
            return
        }
        var estimate = rate ?? Estimate()
        estimate.take(Double(load.departed - sample.load.departed) / (now - sample.at).inSeconds)
        rate = estimate
    }
}

extension LineCounts {
    var total: Int { people + repair + look + sweep }

    /// Whether nothing waits but sweeps.
    fileprivate var isEmptyOfAsked: Bool { people + repair + look == 0 }

    /// Whether calls of the same rank waited at two instants.
    fileprivate func waits(with other: LineCounts) -> Bool {
        (people > 0 && other.people > 0) || (repair > 0 && other.repair > 0) || (look > 0 && other.look > 0)
    }
}

extension Plan {
    /// Whether the session is as it is wanted.
    fileprivate var isDone: Bool { decision.condition == .converged || decision.condition == .held }

    /// Whether a command or a look is soon to come.
    fileprivate func isOnItsWay(now: Timestamp) -> Bool {
        if command != nil { return true }
        guard let dueAt, dueAt <= now + LineForecaster.patience else { return false }
        switch decision.condition {
        case .starting, .stopping, .drifted, .unknown: return true
        case .converged, .held, .needsPairing, .needsAttention, .unassigned: return false
        }
    }
}
