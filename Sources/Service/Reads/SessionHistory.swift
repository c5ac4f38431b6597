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

/// A stretch of time in which reads found a session in one state.
struct SessionProof: Sendable, Equatable {
    var state: String
    var from: Timestamp
    /// When it was found otherwise, or the last read.
    var to: Timestamp

    /// The stretches between changes.
    ///
    /// `changes`: oldest first. `until`: the last read.
    static func stretches(_ changes: [(at: Timestamp, state: String)], until: Timestamp?) -> [SessionProof] {
        changes.indices.map { place in
            let (at, state) = changes[place]
            let end = place + 1 < changes.count ? changes[place + 1].at : until ?? at
            return SessionProof(state: state, from: at, to: max(at, end))
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
