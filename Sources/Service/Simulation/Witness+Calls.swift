import Domain
import FoundationEssentials

/// What may reach the engine, judged by its log of calls.
extension Witness.State {
    /// A call is about to leave a process.
    ///
    /// Returns its number.
    mutating func enters(_ call: Witness.Call, name: String, now: Timestamp) -> Int {
        let number = calls.count
        calls.append(call)
        let count = (underWay[call.replica]?[call.account] ?? 0) + 1
        underWay[call.replica, default: [:]][call.account] = count
        if count > rules.width {
            violate(.concurrencyBounded, "\(call.replica.short) has \(count) calls under way")
        }
        tell("\(call.replica.short) calls \(call.call?.rawValue ?? "list") of \(name), \(count) under way")
        guard let what = call.call else { return number }
        if what == .info {
            let looks = (tracks[call.instance]?.looks[call.replica] ?? 0) + 1
            tracks[call.instance, default: .init()].looks[call.replica] = looks
            if looks > 1 { violate(.oneLookAtATime, "\(call.replica.short) reads \(name) twice at a time") }
        } else {
            checkCommand(number, call, what, name, now: now)
        }
        return number
    }

    private mutating func checkCommand(
        _ number: Int,
        _ call: Witness.Call,
        _ what: EngineCall,
        _ name: String,
        now: Timestamp
    ) {
        commandCount += 1
        if isAtRest { violate(.steadyStateQuiet, "\(what.rawValue) of \(name)") }
        if !holds(call.replica, call.account, now: now) {
            violate(.commandUnderLease, "\(call.replica.short) sends a \(what.rawValue) of \(name)")
        }
        if let since = refusedSince[call.replica]?[call.account], self.now - since > Witness.refusalTolerance {
            violate(.refusedAccountPaused, "\(call.replica.short) sends a \(what.rawValue) of \(name)")
        }
        useIntent(number, call, what, name)
        let timeout = rules.policy.callTimeout.microseconds
        let open = tracks[call.instance]?.open.filter { number in
            calls[number].endedAt == nil && self.now - calls[number].enteredAt < timeout
        }
        if let other = open?.map({ calls[$0] }).first(where: { !$0.wasLate }) {
            violate(
                .oneCommandAtATime,
                "\(what.rawValue) of \(name) while \(other.replica.short)'s \(other.call?.rawValue ?? "call") may be "
                    + "under way"
            )
        }
        if tracks[call.instance]?.unclearSince != nil {
            violate(.unknownOutcomeIsRead, "\(what.rawValue) of \(name) after a command without a clear answer")
        }
        if what != .stop { checkGap(call, what, name) }
        if what == .restart { checkStorm(call, name) }
        tracks[call.instance, default: .init()].open = (open ?? []) + [number]
        if what == .stop {
            // Nobody wants it any more: the next one's turn comes.
            restarts[call.replica]?[call.account]?.removeAll { $0.instance == call.instance }
        }
    }

    /// As many sessions as are fewer than a storm may be restarted at once; from then on one, and twice as many after each restart
    /// that helped.
    private mutating func checkStorm(_ call: Witness.Call, _ name: String) {
        tracks[call.instance, default: .init()].awaitsWorking = true
        var recent = restarts[call.replica]?[call.account] ?? []
        // Just less than the distance that restarts of one session keep anyway; where the first of them had to wait in line, they
        // follow each other sooner, and are no more sessions for that.
        recent.removeAll { now - $0.at >= 19_000_000 || $0.instance == call.instance }
        recent.append((now, call.instance))
        restarts[call.replica, default: [:]][call.account] = recent
        let helped = helpedAt[call.account]?.count { now - $0 < Witness.stormWindow } ?? 0
        let allowed = Witness.stormLimit - 1 + helped + (1 << min(helped, 8))
        guard recent.count > allowed else { return }
        violate(.stormsSlowed, "\(recent.count) restarts within 19 s, the last of \(name), and \(helped) have helped")
    }

    private mutating func useIntent(_ number: Int, _ call: Witness.Call, _ what: EngineCall, _ name: String) {
        let intents = tracks[call.instance]?.intents ?? []
        if let place = intents.lastIndex(where: { $0.action.call == what && $0.call == nil && $0.verdict == nil }) {
            tracks[call.instance]?.intents[place].call = number
        } else if intents.contains(where: { $0.action.call == what && $0.call != nil && $0.verdict == nil }) {
            violate(.oneCallPerIntent, "\(what.rawValue) of \(name)")
        } else {
            violate(.intentBeforeCommand, "\(what.rawValue) of \(name)")
        }
    }

    private mutating func checkGap(_ call: Witness.Call, _ what: EngineCall, _ name: String) {
        guard let number = tracks[call.instance]?.lastStop, !calls[number].wasLate else { return }
        let stop = calls[number]
        let latest = stop.enteredAt + Action.stop.longest(callTimeout: rules.policy.callTimeout).microseconds
        let unclear = min(latest, tracks[call.instance]?.stopSeenAt ?? latest)
        let isClear = stop.verdict.map { !$0.isUnclear } ?? false
        let end = isClear ? stop.endedAt ?? latest : unclear
        let gap = now - end
        // Clocks of two replicas, and of one before and after it asks the database again, agree within this.
        guard gap < (rules.policy.stopStartGap - Witness.clockTolerance).microseconds else { return }
        violate(.gapKept, "\(what.rawValue) of \(name) \(gap / 1000) ms after the end of a stop")
    }

    /// `what`: when calls left or arrived, by account.
    private mutating func checkBudget(
        _ call: Witness.Call,
        _ what: WritableKeyPath<Self, [Int32: [(at: Int64, replica: UUID)]]>
    ) {
        var times = self[keyPath: what][call.account, default: []]
        // A second by the replica's own clock, which may run a little fast.
        times.removeAll { now - $0.at >= 999_500 }
        times.append((now, call.replica))
        self[keyPath: what][call.account] = times
        guard times.count > rules.callsPerSecond else { return }
        // What was let go right before its process stood still leaves when that runs again, and arrives a way later.
        let way = what == \.arrivedAt ? Witness.longestWay : 0
        let isOfThawed = Set(times.map(\.replica)).contains { replica in
            thawedAt[replica].map { now - $0 < 1_000_000 + way } ?? false
        }
        if isOfThawed { return }
        let verb = what == \.arrivedAt ? "arrived" : "left"
        violate(.budgetKept, "\(times.count) calls of account \(call.account) \(verb) in a second")
    }

    /// The call leaves; between the check of its lease and this its process may have stood still, or it waited for a connection.
    mutating func departs(_ number: Int, now: Timestamp) {
        calls[number].leftAt = self.now
        let call = calls[number]
        checkBudget(call, \.leftAt)
        guard let what = call.call, what != .info else { return }
        if what == .stop {
            tracks[call.instance]?.lastStop = number
            tracks[call.instance]?.stopSeenAt = nil
        }
        guard !holds(call.replica, call.account, now: now) else { return }
        if self.now > call.enteredAt, thawedAt[call.replica].map({ $0 < call.enteredAt }) ?? true {
            violate(.commandUnderLease, "\(call.replica.short)'s \(what.rawValue) waited for a connection for too long")
        }
        calls[number].wasLate = true
        lateCommands += 1
        tell("\(call.replica.short)'s \(what.rawValue) leaves late: it stood still in that very instant")
    }

    /// The call was taken back before it left.
    mutating func takenBack(_ number: Int) {
        let call = calls[number]
        calls[number].endedAt = now
        calls[number].verdict = .notSent
        underWay[call.replica]?[call.account]? -= 1
        if call.call == .info { tracks[call.instance]?.looks[call.replica]? -= 1 }
        tell("\(call.replica.short) takes its \(call.call?.rawValue ?? "list") back before it left")
    }

    /// The engine reads what is asked of it.
    mutating func arrives(_ number: Int, _ operation: String, of name: String) {
        let call = calls[number]
        // One that took longer counts as arrived by then, since nobody can tell the way from the work.
        if now - (call.leftAt ?? call.enteredAt) < Witness.longestWay { checkBudget(call, \.arrivedAt) }
        guard !Witness.operations.contains(operation) else { return }
        violate(.noLogout, "\(operation) of \(name)")
    }

    /// What the engine answered, or that time was up; the caller may be gone by now.
    mutating func ended(_ number: Int, _ answer: EngineAnswer) {
        guard calls[number].endedAt == nil else { return }
        calls[number].endedAt = now
        calls[number].verdict = answer.verdict
        let call = calls[number]
        underWay[call.replica]?[call.account]? -= 1
        noteRefusal(call, answer)
        let word = answer.status?.word ?? ""
        tell("\(call.replica.short)'s \(call.call?.rawValue ?? "list") is answered \(answer.verdict.rawValue) \(word)")
        guard let what = call.call else { return }
        if what == .info {
            calls[number].reading = answer.reading
            tracks[call.instance]?.looks[call.replica]? -= 1
            read(call.instance, answer.reading, number)
        } else if !call.wasLate, answer.verdict.isUnclear {
            // Of one that left late whoever acts by then knows nothing.
            tracks[call.instance]?.unclearSince = now
        }
    }

    /// What a list said of an instance.
    mutating func listed(_ number: Int, _ instance: Int64, _ reading: SessionReading) {
        read(instance, reading, number)
    }

    private mutating func read(_ instance: Int64, _ reading: SessionReading?, _ number: Int) {
        let call = calls[number]
        tracks[instance, default: .init()].reads.append((call.stamp, reading))
        if tracks[instance]?.reads.count ?? 0 > Witness.readLimit { tracks[instance]?.reads.removeFirst(100) }
        guard let reading else { return }
        if let since = tracks[instance]?.unclearSince, call.enteredAt >= since { tracks[instance]?.unclearSince = nil }
        if reading == .status(.stopped), let stop = tracks[instance]?.lastStop, calls[stop].enteredAt < call.enteredAt {
            let earlier = tracks[instance]?.stopSeenAt ?? .max
            tracks[instance]?.stopSeenAt = min(earlier, call.enteredAt)
        }
        if reading != .status(.failed) { tracks[instance]?.stopsOfFailed = 0 }
        if reading == .status(.scanQRCode) || reading == .missing {
            // It waits for something else than a restart.
            restarts[call.replica]?[call.account]?.removeAll { $0.instance == instance }
        }
        if reading == .status(.working), tracks[instance]?.awaitsWorking == true {
            tracks[instance]?.awaitsWorking = false
            helpedAt[call.account, default: []].append(now)
        }
    }

    private mutating func noteRefusal(_ call: Witness.Call, _ answer: EngineAnswer) {
        if answer.verdict == .auth, call.call != nil {
            if refusedSince[call.replica]?[call.account] == nil {
                refusedSince[call.replica, default: [:]][call.account] = now
            }
        } else if answer.verdict == .ok || answer.verdict == .missing {
            refusedSince[call.replica]?[call.account] = nil
        }
    }
}

extension Witness {
    /// All that may ever be asked of an engine but by a person who pairs.
    static let operations: Set<String> = ["info", "list", "start", "stop", "restart"]
    /// What takes longer than this from a process to the engine, in microseconds, is the engine's work and not the way.
    static let longestWay: Int64 = 250_000
    /// As many sessions of an account that want a restart within the window, in microseconds, fail alike.
    static let stormLimit = 10
    static let stormWindow: Int64 = 300_000_000
    /// How long after an answer 401 what was decided before may still leave, in microseconds.
    static let refusalTolerance: Int64 = 6_000_000
    /// How much two readings of the database's clock through slow connections may differ.
    static let clockTolerance: Duration = .milliseconds(300)
}
