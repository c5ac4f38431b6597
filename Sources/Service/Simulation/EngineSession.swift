import Domain

/// One session as the simulated engine has it.
struct EngineSession: Sendable {
    var id: String
    /// Our number for it.
    var instance: Int64
    var account: Int32
    var status: SessionStatus = .stopped
    /// Grows with every change by a command or a fault; a step that was planned before it is void.
    var age = 0
    var isPaired = true
    var exists = true
    /// What it said, and until when, for stale reads.
    var past: [(until: Int64, status: SessionStatus)] = []
    var stoppedAt: Int64?

    var isRunning: Bool {
        switch status {
        case .stopped, .failed: false
        case .starting, .scanQRCode, .working, .suspect, .unknown: true
        }
    }

    mutating func enter(_ status: SessionStatus, at now: Int64) {
        guard status != self.status else { return }
        past = past.suffix(3) + [(now, self.status)]
        self.status = status
    }

    /// What it said at an earlier instant.
    func status(at instant: Int64) -> SessionStatus {
        past.first { $0.until > instant }?.status ?? status
    }
}

/// What can go wrong with an engine.
enum EngineFault: String, Sendable, CaseIterable {
    /// Connections have to be opened, and that takes long.
    case connects
    case slow, hung, late, effectWithoutReply, failsBefore, failsAfter, failsEarly, unreachable, tooMany, refusedForGood
    case lies, noWord, errorBody
    case staleReads, strangeWord, stuckStarting, failedLoop, keepsFalling, vanish, unpair, selfStop, selfRestart
    case selfStart, flicker, dead, startWins, resurrect, outage, refused, leavesOut

    /// Whether it strikes calls; the others strike sessions.
    var strikesCalls: Bool {
        switch self {
        case .connects, .slow, .hung, .late, .effectWithoutReply, .failsBefore, .failsAfter, .failsEarly, .unreachable,
            .tooMany, .refusedForGood, .lies, .noWord, .errorBody, .staleReads, .strangeWord, .outage, .refused,
            .leavesOut:
            true
        case .stuckStarting, .failedLoop, .keepsFalling, .vanish, .unpair, .selfStop, .selfRestart, .selfStart,
            .flicker, .dead, .startWins, .resurrect:
            false
        }
    }
}
