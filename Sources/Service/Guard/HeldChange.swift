package import Domain
package import NIOCore

/// A change that waits, or waited, for somebody.
package struct HeldChange: Sendable {
    package var change: Int64
    package var kind: HeldKind
    package var reason: GuardReason
    package var state: HeldState
    package var askedBy: String
    package var askedAt: Timestamp
    /// When it is dropped; `nil` for never.
    package var expiresAt: Timestamp?
    package var decidedBy: String?
    package var decidedAt: Timestamp?
    /// Instances of which something else would be desired, together with what passed in the five minutes before.
    package var affected: Int64
    /// How many instances there were; 0 where that did not matter.
    package var fleet: Int64
    /// Agents whose part waits, as far as the caller sees them; counted to 10,000.
    package var waiting: Int64
    /// All agents it is about, as far as the caller sees them; counted to 10,000.
    package var agents: Int64
    /// What is asked for; in a list, of what waits alone.
    package var wish = HeldWish()

    /// The same with what is asked for.
    func asking(_ wish: HeldWish?) -> HeldChange {
        var change = self
        if let wish { change.wish = wish }
        return change
    }

    /// Writes the change as clients see it.
    ///
    /// `parts`: added where they were asked for.
    package func write(_ parts: [WaitingPart]? = nil, to buffer: inout ByteBuffer) {
        var object = JSONObjectWriter(&buffer)
        object.member("change", change, into: &buffer)
        object.member("kind", kind.rawValue, into: &buffer)
        object.member("state", state.rawValue, into: &buffer)
        object.member("reason", reason.rawValue, into: &buffer)
        object.member("reason_text", reason.sentence, into: &buffer)
        object.member("asked_by", askedBy, into: &buffer)
        object.member("asked_at", askedAt, into: &buffer)
        object.member("expires_at", expiresAt, into: &buffer)
        object.member("decided_by", decidedBy, into: &buffer)
        object.member("decided_at", decidedAt, into: &buffer)
        object.member("affected", affected, into: &buffer)
        object.member("instances", fleet, into: &buffer)
        object.member("waiting", waiting, into: &buffer)
        object.member("agents", agents, into: &buffer)
        wish.write(to: &object, &buffer)
        if let parts {
            object.name("parts", into: &buffer)
            buffer.writeJSONArray(parts) { $0.write(to: &$1) }
        }
        object.end(&buffer)
    }
}

/// One agent's part of a held change, as it is shown.
package struct WaitingPart: Sendable {
    package var change: Int64
    package var agentID: String
    /// What the agent is called; may be empty.
    package var name: String
    /// `instance`, `events`, `hold`, `release`, `removal`, `setting`, or `stop` of a listing.
    package var kind: String
    /// Of a hold what it would be; of a release the one that it would end.
    package var hold: Hold?
    /// Whether a removal erases the person as well.
    package var erases = false
    package var state: HeldState
    package var reason: GuardReason
    /// What is desired when it begins to wait, and what would be; of a hold of many the same where it changes nothing before the
    /// agent comes or goes.
    package var before: RunState
    package var after: RunState
    package var askedBy: String
    package var askedAt: Timestamp
    package var expiresAt: Timestamp?
    package var decidedBy: String?
    package var decidedAt: Timestamp?
    /// What came of it once it was approved: `done`, or the code of the problem that stood against it.
    package var outcome: String?
    /// The session it is about, where it is about one.
    package var instance: String?

    /// Writes the part as clients see it.
    package func write(to buffer: inout ByteBuffer) {
        var object = JSONObjectWriter(&buffer)
        object.member("change", change, into: &buffer)
        object.member("agent_id", agentID, into: &buffer)
        object.member("name", name, into: &buffer)
        object.member("kind", kind, into: &buffer)
        object.name("hold", into: &buffer)
        buffer.writeHeldHold(hold)
        object.member("erases", erases, into: &buffer)
        object.member("state", state.rawValue, into: &buffer)
        object.member("reason", reason.rawValue, into: &buffer)
        object.member("reason_text", reason.sentence, into: &buffer)
        object.member("desired_before", before.rawValue, into: &buffer)
        object.member("desired_after", after.rawValue, into: &buffer)
        object.member("instance", instance, into: &buffer)
        object.member("asked_by", askedBy, into: &buffer)
        object.member("asked_at", askedAt, into: &buffer)
        object.member("expires_at", expiresAt, into: &buffer)
        object.member("decided_by", decidedBy, into: &buffer)
        object.member("decided_at", decidedAt, into: &buffer)
        object.member("outcome", outcome, into: &buffer)
        object.end(&buffer)
    }

    /// Until when the hold in question lasts, and why.
    package var holdWords: String {
        hold.map { " until \($0.until.rfc3339) (\($0.reason))" } ?? ""
    }

    /// What waits, in one sentence.
    package var sentence: String {
        let what =
            switch kind {
            case "instance":
                instance.map { "giving the agent the session \($0)" } ?? "taking the session from the agent"
            case "events": "taking up unmatched events under the agent's names"
            case "hold": "a hold" + holdWords
            case "release": "the end of the hold" + holdWords
            case "removal": erases ? "the removal and erasure of the agent" : "the removal of the agent"
            case "setting": "another setting of what a break does"
            default: "a stop"
            }
        // A hold may wait that changes nothing before the agent comes or goes.
        let other = kind == "hold" && before == after ? "whatever the shift says" : "instead of \(before.rawValue)"
        return
            "Change \(change) of \(askedBy) waits for somebody's approval: \(what) (desired \(after.rawValue) \(other)). "
            + "Until then everything goes on as before."
    }
}
