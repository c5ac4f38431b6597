import Domain

/// A stretch of time in which an agent had a session.
struct SessionOwnership: Sendable, Equatable {
    var instance: Int64
    var from: Timestamp
    /// `nil` while the agent has it.
    var to: Timestamp?
}

/// A stretch of time in which a session was not read, longer than a read counts.
struct LookGap: Sendable, Equatable {
    var from: Timestamp
    var to: Timestamp
}

/// From when on reads found a session in a state.
struct SessionChange: Sendable, Equatable {
    var at: Timestamp
    var state: String
}

/// What is kept of a session over a span, as much of it as one answer holds.
struct SessionRecord: Sendable, Equatable {
    /// Oldest first.
    var changes: [SessionChange]
    /// Oldest first.
    var gaps: [LookGap]
    /// Since when they are all that there is.
    var from: Timestamp

    /// Changes and gaps of one session that are shown; of more, the newest are.
    static let limit = 2000

    /// Leaves out the oldest where there are more than are shown: what was before, the state that was carried in too, says nothing
    /// of the time from then on.
    ///
    /// - Parameters:
    ///   - changes: oldest first, beginning with what was carried into the span.
    ///   - gaps: oldest first.
    ///   - from: when the span begins.
    ///   - limit: changes, and gaps, that are kept.
    init(_ changes: [SessionChange], gaps: [LookGap], from: Timestamp, limit: Int = Self.limit) {
        self.changes = changes
        self.gaps = gaps
        self.from = from
        if changes.count(where: { $0.at > from }) > limit {
            self.changes = changes.suffix(limit)
            self.from = self.changes.first?.at ?? from
        }
        if gaps.count > limit {
            self.gaps = gaps.suffix(limit)
            self.from = max(self.from, self.gaps.first?.from ?? from)
        }
    }
}

/// A stretch of time in which reads found a session in one state.
struct SessionProof: Sendable, Equatable {
    var state: String
    var from: Timestamp
    /// When it was found otherwise, or the last read.
    var to: Timestamp

    /// The stretches between changes.
    ///
    /// `changes`: oldest first. `until`: the last read.
    static func stretches(_ changes: [SessionChange], until: Timestamp?) -> [SessionProof] {
        changes.indices.map { place in
            let change = changes[place]
            let end = place + 1 < changes.count ? changes[place + 1].at : until ?? change.at
            return SessionProof(state: change.state, from: change.at, to: max(change.at, end))
        }
    }

    /// Takes out of stretches what no read proves: a state lasts from read to read only while they follow each other closely.
    ///
    /// - Parameters:
    ///   - proofs: oldest first.
    ///   - gaps: of the same session, oldest first; may overlap.
    ///   - lifetime: how long a read of such a state counts.
    /// - Returns: what is left of them, and where nobody looked.
    static func proved(
        _ proofs: [SessionProof],
        gaps: [LookGap],
        lifetime: (_ state: String) -> Duration
    ) -> (proofs: [SessionProof], unread: [LookGap]) {
        var left: [SessionProof] = []
        var unread: [LookGap] = []
        for (place, proof) in proofs.enumerated() {
            var from = proof.from
            for gap in gaps
            where gap.from < proof.to && gap.to > from && gap.to - gap.from > lifetime(proof.state) {
                let start = max(gap.from, from)
                if start > from { left.append(SessionProof(state: proof.state, from: from, to: start)) }
                from = min(gap.to, proof.to)
                if let last = unread.last, last.to == start {
                    unread[unread.count - 1].to = from
                } else {
                    unread.append(LookGap(from: start, to: from))
                }
            }
            // The newest also where nothing is left but the read that ends the gap: it says how the session is from then on.
            if from < proof.to || from == proof.from || place == proofs.count - 1 {
                left.append(SessionProof(state: proof.state, from: from, to: proof.to))
            }
        }
        return (left, unread)
    }

    /// The part of it that lies within a stretch; `nil` when none does.
    func clipped(from: Timestamp, to: Timestamp) -> SessionProof? {
        guard self.from <= to, self.to >= from else { return nil }
        return SessionProof(state: state, from: max(self.from, from), to: min(self.to, to))
    }
}
