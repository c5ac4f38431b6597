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

    /// - Parameter word: the engine's word, in any case of letters. ``suspect`` is no engine's word.
    package init(word: String) {
        switch word.uppercased() {
        case "STOPPED": self = .stopped
        case "STARTING": self = .starting
        case "SCAN_QR_CODE": self = .scanQRCode
        case "WORKING": self = .working
        case "FAILED": self = .failed
        default: self = .unknown(String(word.unicodeScalars.prefix(64)))
        }
    }

    /// Our own word, for the column; the engine's is WORKING, which is what is shown.
    private static let suspectWord = "WORKING?"
    /// Our own word for what an engine does not know.
    fileprivate static let missingWord = "MISSING"
    /// Stands in columns before a word of an engine's that would read as one of ours.
    private static let foreignMark = "\\"

    /// The word as it is shown: the engine's own.
    ///
    /// `stored`: what ``stored`` wrote.
    package static func shown(_ stored: String) -> String {
        if stored == suspectWord { return "WORKING" }
        return stored.hasPrefix(foreignMark) ? String(stored.dropFirst()) : stored
    }

    /// The word as columns have it: ``word``, but for words of an engine's that would read as one of ours, which are marked.
    package var stored: String {
        guard case .unknown(let word) = self,
            [Self.suspectWord, Self.missingWord].contains(word) || word.hasPrefix(Self.foreignMark)
        else { return self.word }
        return Self.foreignMark + word
    }

    /// Reads back what ``stored`` wrote.
    package init(stored: String) {
        if stored == Self.suspectWord {
            self = .suspect
        } else if stored.hasPrefix(Self.foreignMark) {
            self = .unknown(String(stored.dropFirst()))
        } else {
            self.init(word: stored)
        }
    }

    /// The word as logs have it, the engine's own but for ``suspect``.
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

    /// The word for logs; `MISSING` for a session the engine does not know.
    package var word: String {
        switch self {
        case .status(let status): status.word
        case .missing: SessionStatus.missingWord
        }
    }

    /// The word as columns have it.
    package var stored: String {
        switch self {
        case .status(let status): status.stored
        case .missing: SessionStatus.missingWord
        }
    }

    /// Whether a clean reboot can be of use: not where a telephone or the session itself is missing, nor where nobody knows what
    /// the engine's word means.
    package var allowsReboot: Bool {
        switch self {
        case .missing, .status(.scanQRCode), .status(.unknown): false
        case .status(.stopped), .status(.starting), .status(.working), .status(.suspect), .status(.failed): true
        }
    }

    /// Reads back what ``stored`` wrote.
    package init(stored: String) {
        self = stored == SessionStatus.missingWord ? .missing : .status(SessionStatus(stored: stored))
    }
}
