import Domain

/// What was true of an agent over a span of time, as far as it was recorded.
///
/// `shift` and `desired` are told by the ledger and the holds as they are today, so a late report changes them for the
/// past; breaks are judged by today's policy. Of the session the changes between reads and the engine's replies to commands are
/// kept, so `observed` has intervals without a state where nothing is known, or is not known any more since nobody looked.
struct Timeline: Sendable, Equatable {
    /// One stretch of time in which one thing was true.
    struct Interval: Sendable, Equatable {
        var from: Timestamp
        var to: Timestamp
        /// `nil` where nothing was recorded.
        var state: String?
        var reason: String
    }

    var shift: [Interval]
    var desired: [Interval]
    var observed: [Interval]

    /// The most points at which something may change; beyond, the oldest are left out, and what was before is said to be.
    static let changeLimit = 2000

    /// Works out shift and desired.
    ///
    /// `punches`: all of the agent's, also those before `from`, with what was said of their records about others.
    /// `holds`: oldest first.
    /// `from`: begins the span; must not lie after `to`.
    /// `to`: ends it.
    init(
        punches: [LedgerPunch],
        holds: [HoldEntry],
        breakAction: BreakAction,
        observed: [Interval],
        from: Timestamp,
        to: Timestamp
    ) {
        self.observed = observed
        shift = []
        desired = []
        let all = Set(
            (punches.map(\.effectiveAt) + holds.flatMap { [$0.from, $0.to] }).filter { $0 > from && $0 < to }
        )
        let changes = all.sorted().suffix(Self.changeLimit)
        var starts = Array(changes)
        if let first = changes.first, changes.count < all.count {
            shift.append(Interval(from: from, to: first, reason: Self.leftOut))
            desired.append(Interval(from: from, to: first, reason: Self.leftOut))
        } else {
            starts.insert(from, at: 0)
        }
        for ((start, end), state) in zip(zip(starts, starts.dropFirst() + [to]), fold(punches, at: starts)) {
            let hold = holds.last { $0.from <= start && start < $0.to }?.hold
            let wanted = derive(state, hold: hold, breakAction: breakAction, now: start)
            Self.append(
                Interval(
                    from: start,
                    to: end,
                    state: state.shift.rawValue,
                    reason: state.since == nil ? "no_events" : "events"
                ),
                to: &shift
            )
            Self.append(
                Interval(from: start, to: end, state: wanted.run.rawValue, reason: wanted.rule.rawValue),
                to: &desired
            )
        }
    }

    /// Lengthens the last interval when nothing changed.
    private static func append(_ interval: Interval, to intervals: inout [Interval]) {
        if let last = intervals.last, last.state == interval.state, last.reason == interval.reason {
            intervals[intervals.count - 1].to = interval.to
        } else {
            intervals.append(interval)
        }
    }

    /// The reason of what is recorded, and left out since there is more than one answer holds.
    static let leftOut = "left_out"

    /// What is known of the session within the span: claims of replies as instants, proofs as stretches, and stretches
    /// without a state in between.
    static func observed(
        commands: [CommandEntry],
        _ session: SessionKnowledge,
        from: Timestamp,
        to: Timestamp
    ) -> [Interval] {
        var known = commands.compactMap { command -> Interval? in
            guard let endedAt = command.endedAt, let claim = command.claim, endedAt >= from, endedAt <= to else {
                return nil
            }
            return Interval(from: endedAt, to: endedAt, state: claim, reason: "claimed")
        }
        for proof in session.proofs where proof.from <= to && proof.to >= from {
            known.append(
                Interval(from: max(proof.from, from), to: min(proof.to, to), state: proof.state, reason: "read")
            )
        }
        for (gaps, reason) in [(session.unread, "not_read"), (session.leftOut, Self.leftOut)] {
            for gap in gaps where gap.from < to && gap.to > from {
                known.append(Interval(from: max(gap.from, from), to: min(gap.to, to), reason: reason))
            }
        }
        var intervals: [Interval] = []
        var reached = from
        for interval in known.sorted(by: { ($0.from, $0.to) < ($1.from, $1.to) }) {
            if interval.from > reached {
                intervals.append(Interval(from: reached, to: interval.from, reason: "not_recorded"))
            }
            intervals.append(interval)
            reached = max(reached, interval.to)
        }
        if reached < to { intervals.append(Interval(from: reached, to: to, reason: "not_recorded")) }
        return intervals
    }
}

/// What is known of an agent's sessions over a span.
struct SessionKnowledge: Sendable, Equatable {
    var proofs: [SessionProof] = []
    /// Where what was proved before is not known, since nobody looked.
    var unread: [LookGap] = []
    /// Where it is known, and more than one answer holds.
    var leftOut: [LookGap] = []
}
