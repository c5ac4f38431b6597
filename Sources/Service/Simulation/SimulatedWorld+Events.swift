import Domain
import FoundationEssentials

/// Clock events, as senders report them: several in a request, repeated, late, of the future.
extension SimulatedWorld {
    /// Somebody clocks in or out, and the next one later.
    func punch() {
        guard isUnderStress else { return }
        let (count, areTogether) = draw { ($0.chance(50) ? 3 + $0.below(4) : 1, $0.chance(500)) }
        let events = (0..<count).map { _ in draft() }
        if areTogether { send(events) } else { for event in events { send([event]) } }
        scheduler.after(draw { $0.microseconds(200_000...2 * scenario.eventEvery) }) { self.punch() }
    }

    /// Writes a clock event, or tells of a record.
    private func draft() -> SentReport {
        let now = database.now()
        let (agent, kind, shift, isOfRecord) = draw { numbers in
            let isStranger = scenario.strangers > 0 && numbers.chance(60)
            let agent =
                isStranger
                ? "s\(1 + numbers.below(scenario.strangers))" : "a\(1 + numbers.below(scenario.agents))"
            let kind = numbers.pick([PunchKind.clockIn, .clockIn, .clockOut, .clockOut, .breakStart, .breakEnd])
            let shift: Int64
            switch numbers.below(100) {
            case ..<60: shift = 0
            case ..<85: shift = -numbers.microseconds(0...150_000_000)
            case ..<95: shift = numbers.microseconds(2_500_000...60_000_000)
            default: shift = isStranger ? -numbers.microseconds(90_000_000_000...120_000_000_000) : 0
            }
            let isOld = isStranger && numbers.chance(400)
            let old = -numbers.microseconds(90_000_000_000...120_000_000_000)
            return (agent, kind, isOld ? old : shift, !isOld && numbers.chance(120))
        }
        let instant = Timestamp(microseconds: now.microseconds + shift)
        if isOfRecord || scenario.byRecord.contains(agent) { return report(of: agent, at: instant) }
        return event(agent, kind, at: instant)
    }

    /// A clock event, which has a number of its own.
    func event(_ agent: String, _ kind: PunchKind, at instant: Timestamp) -> SentReport {
        let number = withState { state in
            state.lastEvent += 1
            return state.lastEvent
        }
        let report = SentReport.event(SentEvent(id: "e\(number)", agent: agent, kind: kind, at: instant))
        witness.see { state in
            state.tell("event e\(number): \(agent) \(kind.rawValue) at \(instant.rfc3339)")
            state.wrote(report)
        }
        return report
    }

    /// Sends one request with clock events, some time later, perhaps twice.
    func send(_ events: [SentReport]) {
        let (delay, repeats) = draw { numbers in
            (numbers.microseconds(numbers.chance(200) ? 0...40_000_000 : 0...500_000), numbers.chance(200))
        }
        withState { $0.undelivered += repeats ? 2 : 1 }
        scheduler.after(delay) { self.deliver(events, attempt: 0) }
        if repeats {
            scheduler.after(delay + draw { $0.microseconds(0...30_000_000) }) { self.deliver(events, attempt: 0) }
        }
    }

    /// One attempt of a sender, and the next one when no answer comes.
    private func deliver(_ events: [SentReport], attempt: Int) {
        let again = { @Sendable in
            if attempt < 8 {
                self.deliver(events, attempt: attempt + 1)
            } else {
                self.withState { $0.undelivered -= 1 }
            }
        }
        guard let replica = replica() else { return scheduler.after(1_000_000, again) }
        let isAnswered = Once()
        replica.post(events) { isTaken in
            guard isAnswered.take() else { return }
            if isTaken {
                self.witness.see { $0.acknowledged(events) }
                self.withState { $0.undelivered -= 1 }
            } else {
                self.scheduler.after(1_000_000, again)
            }
        }
        scheduler.after(6_000_000) { if isAnswered.take() { again() } }
    }
}
