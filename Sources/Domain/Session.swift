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
    /// WORKING by the engine's word, while the same answer says that no account is linked: it may be dead.
    ///
    /// Source: Wawp, info, and WAHA name the account of every session that works (`me`), and `null` for one that is not paired.
    case suspect
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
        case Self.suspectWord: self = .suspect
        case "FAILED": self = .failed
        default: self = .unknown(String(word.prefix(64)))
        }
    }

    /// Our own word, for the column; the engine's is WORKING, which is what is shown.
    private static let suspectWord = "WORKING?"

    /// The word as it is shown: the engine's own.
    package static func shown(_ word: String) -> String { word == suspectWord ? "WORKING" : word }

    /// The word as columns and logs have it, the engine's own but for ``suspect``.
    package var word: String {
        switch self {
        case .stopped: "STOPPED"
        case .starting: "STARTING"
        case .scanQRCode: "SCAN_QR_CODE"
        case .working: "WORKING"
        case .suspect: Self.suspectWord
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
