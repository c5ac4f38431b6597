import Domain

/// What waits for an engine account, and when what people asked for is predicted to be done: as its holder tells it.
struct LineForecast: Sendable, Hashable {
    /// Sessions that people asked something of and that are on their way there.
    var asked = 0
    var counts = LineCounts()
    /// When what people asked for is predicted to be done; `nil` when nothing is under way, or the engine does not answer.
    var finishesAt: Timestamp?
    /// When this was said; `nil` for what nobody said yet.
    var predictedAt: Timestamp?

    /// Predictions that differ by less are told as one.
    static let tolerance: Duration = .milliseconds(500)

    /// Whether it says something that the other did not.
    func isNews(after other: LineForecast?) -> Bool {
        guard let other, asked == other.asked, counts == other.counts else { return true }
        switch (finishesAt, other.finishesAt) {
        case (nil, nil): return false
        case (let new?, let old?): return new - old >= Self.tolerance || old - new >= Self.tolerance
        case (nil, _?), (_?, nil): return true
        }
    }
}

/// How fast an account's calls go, as was measured lately.
struct LinePace: Sendable, Hashable {
    /// How long a command and a look are under way.
    var command: Duration = .zero
    var look: Duration = .zero
    /// From a command's answer to the read that proves what it did, where that did not have to wait in line: as long as the slowest
    /// of so many sessions will take.
    var settling: Duration = .zero
    /// Looks that it takes to prove a command; 1 or more.
    var looksPerCommand: Double = 1
    /// Calls that left in a second while more waited; `nil` when they did not have to wait lately.
    var callsPerSecond: Double?
}

/// What people asked for and is not proved.
struct AskedWork: Sendable, Hashable {
    /// Sessions with a command or a look to come.
    var sessions = 0
    /// When the last of their commands was answered; `nil` before the first.
    var lastAnsweredAt: Timestamp?
}

/// When what people asked for will be done.
///
/// Their commands leave before all else, then repairs, then looks in the order in which they came due. So the time is that of
/// their commands, of what goes before the looks, and of the looks; but not sooner than the last command's session can be up.
/// A look that comes before the session is up is made again, and only while the line is shorter than a session takes.
///
/// Pure. Monotone in every count; not before `now`; with n calls to come and a budget of b a second not before n / b seconds.
///
/// `width`: calls under way at a time; 1 or more.
/// `delay`: the least time between a command's answer and the look that proves it.
/// Returns `nil` when nothing is under way.
func predictedFinish(
    _ asked: AskedWork,
    _ load: LineLoad,
    _ pace: LinePace,
    width: Int,
    delay: Duration,
    now: Timestamp
) -> Timestamp? {
    guard asked.sessions > 0 else { return nil }
    let commands = Double(load.counts.people)
    let repairs = Double(load.counts.repair)
    // Of the looks that wait, nearly all are those of people's sessions.
    let sessions = Double(max(asked.sessions, load.counts.people, load.counts.look))
    let commandRate = rate(pace.command, load, pace, width: width)
    let lookRate = rate(pace.look, load, pace, width: width)
    let commandsLeave = commands / commandRate
    let looksLeave = sessions / lookRate
    let settling = max(pace.settling, delay).inSeconds
    // Until the last session is up; what is looked at later is looked at once.
    var settlingLeft = settling
    if commands == 0, let answeredAt = asked.lastAnsweredAt {
        settlingLeft = max(0, settling - (now - answeredAt).inSeconds)
    }
    let looks = min(looksLeave * max(1, pace.looksPerCommand), max(looksLeave, settlingLeft))
    let inLine = commandsLeave + repairs / commandRate + looks
    var upAfter = asked.lastAnsweredAt == nil ? 0 : settlingLeft
    if commands > 0 { upAfter = commandsLeave + pace.command.inSeconds + settling }
    return now + .seconds(max(inLine, upAfter) + pace.look.inSeconds)
}

/// Calls of one kind in a second: as many as left lately, or as budget and width allow.
private func rate(_ duration: Duration, _ load: LineLoad, _ pace: LinePace, width: Int) -> Double {
    // A call counts until a second after its answer.
    let way = min(duration, .microseconds(CallBudget.longestWay))
    let budget = Double(max(1, load.callsPerSecond)) / (1 + way.inSeconds)
    if let measured = pace.callsPerSecond { return min(budget, max(measured, 0.1)) }
    guard duration > .zero else { return budget }
    return min(budget, Double(max(1, width)) / duration.inSeconds)
}
