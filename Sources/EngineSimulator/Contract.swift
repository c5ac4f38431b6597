/// Whose contract a call speaks.
///
/// All move the same sessions; each has paths of its own, so one simulator speaks all of them at once. What each says
/// differently is asked of it here and in the files that bear its name.
enum Contract: Sendable {
    case wawp
    case waha

    /// The contract that a path belongs to.
    init(path: Substring) {
        self = path.hasPrefix("/api/") || path == "/ping" || path == "/health" ? .waha : .wawp
    }

    /// Whether a start soon after a stop is refused; WAHA makes it wait for the session's lock instead.
    var refusesSoonStarts: Bool {
        switch self {
        case .wawp: true
        case .waha: false
        }
    }
}

/// Where a request went, which some answers repeat.
struct RequestLine: Sendable {
    var contract: Contract
    var method = ""
    var path = ""

    static let wawp = RequestLine(contract: .wawp)
}
