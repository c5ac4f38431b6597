/// The actions that change a session.
package enum Action: String, Sendable, Hashable, CaseIterable {
    case start
    case stop
    case restart

    /// The number stored in `commands.action`.
    package var code: Int16 {
        switch self {
        case .start: 1
        case .stop: 2
        case .restart: 3
        }
    }

    /// Reads back what ``code`` wrote.
    package init?(code: Int16) {
        guard let action = Self.allCases.first(where: { $0.code == code }) else { return nil }
        self = action
    }

    /// The call that carries it out.
    package var call: EngineCall {
        switch self {
        case .start: .start
        case .stop: .stop
        case .restart: .restart
        }
    }

    /// How long it may go on in the engine where nobody heard that it ended: for as long as a call may take, and a stop for no
    /// less than it sleeps there, although its caller waits no longer.
    ///
    /// Source: WAHA's source, 3 s in every stop.
    package func longest(callTimeout: Duration) -> Duration {
        self == .stop ? max(callTimeout, .seconds(3)) : callTimeout
    }
}

/// The last command that we intended for an instance, and what came of it.
package struct CommandRecord: Sendable, Hashable {
    package var id: Int64
    package var action: Action
    /// When it left, or, as long as nothing is known of it, when the intent was committed.
    package var sentAt: Timestamp
    /// When its answer came or its time ran out; `nil` while nothing is known of it.
    package var endedAt: Timestamp?
    /// What the answer meant; `nil` while nothing is known of it.
    package var verdict: EngineVerdict?

    package init(id: Int64, action: Action, sentAt: Timestamp, endedAt: Timestamp? = nil, verdict: EngineVerdict? = nil)
    {
        self.id = id
        self.action = action
        self.sentAt = sentAt
        self.endedAt = endedAt
        self.verdict = verdict
    }
}

/// All that is known about one instance: what reads proved, what commands claimed, what was tried.
package struct Evidence: Sendable, Hashable {
    /// What the last successful read proved.
    package var reading: SessionReading?
    /// When that read was sent.
    package var readAt: Timestamp?
    /// When a read first said so.
    package var readingSince: Timestamp?
    /// What the last command's reply claimed.
    package var claim: SessionStatus?
    package var lastCommand: CommandRecord?
    /// When the last start or restart left.
    package var lastStartSentAt: Timestamp?
    /// When the last stop call ended; for an unresolved one, when it must have ended.
    package var lastStopEndedAt: Timestamp?
    /// When a session that had been proved WORKING was first read otherwise without our doing.
    package var deviatingSince: Timestamp?
    /// When restarts left, oldest first; as many as the budget looks at.
    package var restarts: [Timestamp]
    /// When it was started after it had gone down by itself, or stopped after it had come up by itself, oldest first; as many as
    /// the restart window holds, and only since the opposite was last done.
    package var falls: [Timestamp]
    /// Commands sent since the instance was last as desired.
    package var attempts: Int
    /// A person asked for a stop and a start; cleared once the start has left, or a read says that neither helps.
    package var rebootAskedAt: Timestamp?
    /// Since when reads say that somebody has to pair the session.
    ///
    /// Kept while it says something else that does not end that, as FAILED once nobody scanned any of its codes. What it is worth
    /// says ``waitsForPairing``.
    package var pairingSince: Timestamp?

    package init(
        reading: SessionReading? = nil,
        readAt: Timestamp? = nil,
        readingSince: Timestamp? = nil,
        claim: SessionStatus? = nil,
        lastCommand: CommandRecord? = nil,
        lastStartSentAt: Timestamp? = nil,
        lastStopEndedAt: Timestamp? = nil,
        deviatingSince: Timestamp? = nil,
        restarts: [Timestamp] = [],
        falls: [Timestamp] = [],
        attempts: Int = 0,
        rebootAskedAt: Timestamp? = nil,
        pairingSince: Timestamp? = nil
    ) {
        self.reading = reading
        self.readAt = readAt
        self.readingSince = readingSince
        self.claim = claim
        self.lastCommand = lastCommand
        self.lastStartSentAt = lastStartSentAt
        self.lastStopEndedAt = lastStopEndedAt
        self.deviatingSince = deviatingSince
        self.restarts = restarts
        self.falls = falls
        self.attempts = attempts
        self.rebootAskedAt = rebootAskedAt
        self.pairingSince = pairingSince
    }

    /// Whether somebody has to pair the session before it can work.
    ///
    /// A release that does not know ``pairingSince`` leaves it as it is; that the session worked or was started since then shows
    /// in what such a release writes.
    package var waitsForPairing: Bool {
        guard let pairingSince else { return false }
        return pairingSince >= max(lastStartSentAt ?? pairingSince, deviatingSince ?? pairingSince)
    }
}

/// How evidence grows. Every change to it is one of these.
extension Evidence {
    /// Takes in a successful read.
    ///
    /// A read that was sent before the last command ended, or less than `confirmationDelay` after it,
    /// proves nothing about that command and is kept only as the older truth it is: it is dropped.
    ///
    /// - Parameters:
    ///   - result: what the engine said.
    ///   - sentAt: when the read left; the session may have changed right after.
    ///   - desired: what was desired at that time; only a session that should run can deviate.
    package mutating func take(read result: SessionReading, sentAt: Timestamp, desired: RunState) {
        if let readAt, sentAt < readAt { return }
        // One that left at the same instant may have left before it.
        if let command = lastCommand, sentAt <= command.sentAt { return }
        notePairing(result, sentAt: sentAt)
        if reading != result {
            if reading == .status(.working), desired == .running, hasSentNothingSinceRead {
                deviatingSince = deviatingSince ?? sentAt
            }
            readingSince = sentAt
        }
        if result == .status(.working) { deviatingSince = nil }
        // It would strike hours later, right after somebody paired the session.
        if !result.allowsReboot { rebootAskedAt = nil }
        if result == .status(.stopped), let stop = lastCommand, stop.action == .stop, let endedAt = stop.endedAt,
            let assumed = lastStopEndedAt, assumed > sentAt
        {
            lastStopEndedAt = max(sentAt, endedAt)
        }
        // When a stop without an outcome ended nobody knows, as when its sender stood still; where its effect is first read it
        // just has.
        if result == .status(.stopped), reading != result, let stop = lastCommand, stop.action == .stop,
            stop.endedAt == nil
        {
            lastStopEndedAt = max(lastStopEndedAt ?? sentAt, sentAt)
        }
        reading = result
        readAt = sentAt
    }

    /// Takes in what a read says of the pairing; what was read before counts too, where another release took that in.
    private mutating func notePairing(_ result: SessionReading, sentAt: Timestamp) {
        let asks = SessionReading.status(.scanQRCode)
        if result.endsPairing || reading?.endsPairing ?? false { pairingSince = nil }
        guard result == asks || (reading == asks && !result.endsPairing), !waitsForPairing else { return }
        pairingSince = (reading == asks ? readingSince : nil) ?? sentAt
        // It asked before a start that was still on its way, and goes on asking.
        if !waitsForPairing { pairingSince = sentAt }
    }

    /// Whether the last read is younger than the last command.
    private var hasSentNothingSinceRead: Bool {
        guard let readAt, let command = lastCommand else { return true }
        return command.sentAt < readAt
    }

    /// Takes in that a command is about to leave.
    ///
    /// - Parameters:
    ///   - action: what is sent.
    ///   - id: the command's.
    ///   - now: the database's clock.
    ///   - isAfterFall: whether the session went down, or came up, by itself.
    ///   - restartWindow: how long restarts and falls are remembered.
    package mutating func intend(
        _ action: Action,
        id: Int64,
        at now: Timestamp,
        isAfterFall: Bool = false,
        restartWindow: Duration
    ) {
        let turnsBack = lastCommand.map { ($0.action == .stop) != (action == .stop) } ?? false
        attempts = turnsBack ? 1 : attempts + 1
        if turnsBack { falls = [] }
        if isAfterFall { falls = falls.filter { now - $0 < restartWindow } + [now] }
        lastCommand = CommandRecord(id: id, action: action, sentAt: now)
        claim = nil
        deviatingSince = nil
        switch action {
        case .stop:
            break
        case .start:
            lastStartSentAt = now
            rebootAskedAt = nil
            pairingSince = nil
        case .restart:
            lastStartSentAt = now
            rebootAskedAt = nil
            pairingSince = nil
            restarts = restarts.filter { now - $0 < restartWindow } + [now]
        }
    }

    /// Takes in the outcome of the command `id`; of an older command it is ignored, and so is one that was taken in before, as
    /// when nobody knows whether it was committed and it is written again.
    ///
    /// A stop without a clear answer may still be running on the engine: it is taken to end when its time is
    /// over (``Action/longest(callTimeout:)``), unless a read shows STOPPED before.
    package mutating func take(
        outcome answer: EngineAnswer,
        of id: Int64,
        sentAt: Timestamp,
        endedAt: Timestamp,
        callTimeout: Duration
    ) {
        guard var command = lastCommand, command.id == id, command.verdict == nil else { return }
        command.sentAt = sentAt
        command.endedAt = endedAt
        command.verdict = answer.verdict
        lastCommand = command
        claim = answer.verdict == .ok ? answer.status : nil
        guard answer.verdict != .notSent else {
            attempts = max(0, attempts - 1)
            if command.action == .restart, !restarts.isEmpty { restarts.removeLast() }
            if falls.last?.microseconds == id { falls.removeLast() }
            return
        }
        switch command.action {
        case .stop:
            let longest = command.action.longest(callTimeout: callTimeout)
            lastStopEndedAt = answer.verdict.isUnclear ? max(endedAt, sentAt + longest) : endedAt
        case .start, .restart: lastStartSentAt = sentAt
        }
    }
}

extension SessionReading {
    /// Whether a session that says so waits for nobody's telephone: it has one, or begins anew with its next start.
    fileprivate var endsPairing: Bool {
        switch self {
        case .status(.working), .status(.suspect), .status(.stopped): true
        case .missing, .status(.starting), .status(.scanQRCode), .status(.failed), .status(.unknown): false
        }
    }
}
