/// A session's state in the engine's own word.
///
/// The set is open: an engine may say something we do not know. Such a word is kept verbatim, shown,
/// and never acted on.
package enum SessionStatus: Sendable, Hashable {
    /// Not running; the pairing may exist.
    case stopped
    /// Booting. Normal for seconds; Wawp's documents call more than 60 s stuck.
    case starting
    /// Running but not paired: a person must scan a code.
    case scanQRCode
    /// Connected.
    case working
    /// Crashed or refused.
    case failed
    /// A word we do not know, cut to 64 characters.
    case unknown(String)

    /// - Parameter word: the engine's word, in any case of letters.
    package init(word: String) {
        switch word.uppercased() {
        case "STOPPED": self = .stopped
        case "STARTING": self = .starting
        case "SCAN_QR_CODE": self = .scanQRCode
        case "WORKING": self = .working
        case "FAILED": self = .failed
        default: self = .unknown(String(word.prefix(64)))
        }
    }

    /// The engine's word, as columns, logs and the page show it.
    package var word: String {
        switch self {
        case .stopped: "STOPPED"
        case .starting: "STARTING"
        case .scanQRCode: "SCAN_QR_CODE"
        case .working: "WORKING"
        case .failed: "FAILED"
        case .unknown(let word): word
        }
    }
}

/// What a read of the engine proved about one session.
package enum SessionReading: Sendable, Hashable {
    case status(SessionStatus)
    /// The engine does not know the session (404).
    case missing

    /// The word that is stored and shown; `MISSING` for a session the engine does not know.
    package var word: String {
        switch self {
        case .status(let status): status.word
        case .missing: "MISSING"
        }
    }

    /// Reads back what ``word`` wrote.
    package init(word: String) {
        self = word == "MISSING" ? .missing : .status(SessionStatus(word: word))
    }
}
