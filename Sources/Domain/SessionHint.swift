/// What an engine's webhook says of a session.
///
/// A hint and nothing more: it may come twice, late, in another order, or never. It makes us look, and decides nothing.
package struct SessionHint: Sendable, Hashable {
    /// The engine's own id of the event; the older form has none.
    package var id: String?
    /// When it happened, by the engine's clock.
    package var at: Timestamp?
    /// The session's name, which is also WAHA's instance id.
    package var session: String?
    package var instanceID: String?
    package var status: SessionStatus?

    package init(
        id: String? = nil,
        at: Timestamp? = nil,
        session: String? = nil,
        instanceID: String? = nil,
        status: SessionStatus? = nil
    ) {
        self.id = id
        self.at = at
        self.session = session
        self.instanceID = instanceID
        self.status = status
    }

    /// What makes two deliveries one: the id, or without one everything it says.
    ///
    /// Source: Wawp, "session.status", for the id; its older page on the lifecycle has none.
    package var identity: SessionHint {
        id == nil ? self : SessionHint(id: id)
    }
}

/// What is stored of the session that a hint is about.
package struct HintedSession: Sendable, Hashable {
    /// What the last read found.
    package var reading: SessionReading?
    /// When the last read was sent.
    package var readAt: Timestamp?
    /// The last command.
    package var action: Action?
    package var sentAt: Timestamp?
    /// When the newest hint about it happened.
    package var newestHintAt: Timestamp?
    /// When a hint about it last made us look.
    package var lookedAt: Timestamp?

    package init(
        reading: SessionReading? = nil,
        readAt: Timestamp? = nil,
        action: Action? = nil,
        sentAt: Timestamp? = nil,
        newestHintAt: Timestamp? = nil,
        lookedAt: Timestamp? = nil
    ) {
        self.reading = reading
        self.readAt = readAt
        self.action = action
        self.sentAt = sentAt
        self.newestHintAt = newestHintAt
        self.lookedAt = lookedAt
    }
}

/// Whether a hint makes us look, and why not.
package enum HintEffect: String, Sendable, Hashable, CaseIterable {
    /// It may be news.
    case look
    /// It happened before one that came already; what is so now is looked at all the same.
    case late
    /// It says what the last read found.
    case known
    /// It is a step of our own command, whose outcome is looked at anyway.
    case ownCommand = "own_command"

    /// Whether the session is looked at.
    package var looks: Bool {
        switch self {
        case .look, .late: true
        case .known, .ownCommand: false
        }
    }
}

/// How long it may take until the finding of a look that a hint led to is stored.
private let lookLasts: Duration = .seconds(5)

/// Decides what a hint is good for.
///
/// Times of the engine's clock are compared with each other alone.
///
/// - Parameters:
///   - hint: the first of its identity.
///   - known: what is stored of the session.
///   - now: by the database's clock.
///   - commandLasts: how long after a command its steps may be told of.
/// - Returns: its effect.
package func effect(
    of hint: SessionHint,
    on known: HintedSession,
    now: Timestamp,
    commandLasts: Duration
) -> HintEffect {
    if let at = hint.at, let newest = known.newestHintAt, at < newest { return .late }
    guard let status = hint.status else { return .look }
    if isStep(status, of: known, now: now, commandLasts: commandLasts) { return .ownCommand }
    // A picture to scan is told of anew each time it changes. But another look may be about to store something else.
    return known.reading == .status(status) && !known.isLookedAt(now) ? .known : .look
}

/// Whether a status lies on the way of our last command; its end does not, since the sooner it is seen the better, nor what
/// follows on that end.
private func isStep(
    _ status: SessionStatus,
    of known: HintedSession,
    now: Timestamp,
    commandLasts: Duration
) -> Bool {
    guard let action = known.action, let sentAt = known.sentAt, now - sentAt < commandLasts else { return false }
    return switch (action, status) {
    case (.start, .starting), (.restart, .starting), (.restart, .stopped): !known.mayHaveBooted(since: sentAt, now)
    case (.stop, .stopped): true
    case (.start, _), (.restart, _), (.stop, _): false
    }
}

extension HintedSession {
    /// Whether a look that a hint led to may be on its way.
    fileprivate func isLookedAt(_ now: Timestamp) -> Bool {
        lookedAt.map { now - $0 < lookLasts } ?? false
    }

    /// Whether a start or restart that left then is over, or a look that a hint led to since may be about to find so.
    fileprivate func mayHaveBooted(since sentAt: Timestamp, _ now: Timestamp) -> Bool {
        // Before the command left it may have worked too.
        if let readAt, readAt > sentAt, reading?.hasBooted ?? false { return true }
        return lookedAt.map { $0 > sentAt } ?? false && isLookedAt(now)
    }
}

extension SessionReading {
    /// Whether all steps of a start lie behind a session that says so.
    fileprivate var hasBooted: Bool {
        switch self {
        case .status(.working), .status(.suspect), .status(.scanQRCode): true
        case .missing, .status(.stopped), .status(.starting), .status(.failed), .status(.unknown): false
        }
    }
}
