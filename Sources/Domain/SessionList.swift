/// What one call that lists sessions came to.
///
/// A session that is not in it proves nothing: engines leave sessions out (WAHA: those that another key may see, after a
/// reboot those it has forgotten, and without `all=true` those that are stopped). That a session is missing is proved by a
/// read of its own alone.
package struct SessionList: Sendable {
    /// Only with ``EngineVerdict/ok`` does the list say anything.
    package var answer: EngineAnswer
    /// The status of each session that was listed, by our instance id.
    package var statuses: [String: SessionStatus]
    /// Whether the list was read to its end.
    package var isWhole: Bool

    package init(_ answer: EngineAnswer, statuses: [String: SessionStatus] = [:], isWhole: Bool = true) {
        self.answer = answer
        self.statuses = answer.verdict == .ok ? statuses : [:]
        self.isWhole = isWhole
    }
}

/// What a list means for one instance.
package enum ListFinding: Sendable, Hashable {
    /// It says what is stored, and nothing is open: only that it was looked at is news.
    case asStored
    /// A read of the session.
    case read(SessionReading)
    /// The list does not name it: it has to be read by itself.
    case notListed
}

extension SessionList {
    /// What the list means for one instance; a listed status is as good as a read of that session at the same time.
    ///
    /// - Parameters:
    ///   - instanceID: the engine's identifier.
    ///   - stored: what the last read proved.
    ///   - isSettled: whether a read that says the same leaves nothing to decide.
    /// - Returns: never that the session is missing, nor that it is stopped unless the list says so.
    package func finding(for instanceID: String, stored: SessionReading?, isSettled: Bool) -> ListFinding {
        guard let status = statuses[instanceID] else { return .notListed }
        let reading = SessionReading.status(status)
        return isSettled && stored == reading ? .asStored : .read(reading)
    }
}
