/// What became of one request of a clock source, in the word that is counted, shown and a metric's label.
enum SourceOutcome: String, Sendable, Hashable, CaseIterable {
    /// Something in it was new.
    case accepted
    /// All that it says was in the ledger already.
    case repeated
    /// Genuine, and nothing could or needed to be made of it.
    case ignored
    /// It does not prove that it comes from the source.
    case badProof = "bad_proof"
    /// Not in the form that is demanded, or without what must be in it.
    case malformed
    /// A content type that this kind of source does not read.
    case unsupported
    case tooLarge = "too_large"
    /// It took too long to arrive.
    case timedOut = "timed_out"
    case rateLimited = "rate_limited"
    /// Its id was used before with other content.
    case conflict
    /// It could not be committed; it has to come again.
    case unavailable

    /// Whether the sender proved itself, so that it was heard; of what was turned away before its proof was looked at
    /// ``SourceTally`` is told so.
    var isGenuine: Bool {
        switch self {
        case .accepted, .repeated, .ignored, .conflict, .unavailable: true
        case .badProof, .malformed, .unsupported, .tooLarge, .timedOut, .rateLimited: false
        }
    }

    /// Whether the sender was told that it was not taken.
    var isRefusal: Bool {
        switch self {
        case .accepted, .repeated, .ignored: false
        case .badProof, .malformed, .unsupported, .tooLarge, .timedOut, .rateLimited, .conflict, .unavailable: true
        }
    }

    /// Whether it speaks against how the source is set up, here or at the sender, and not against the moment.
    var isFault: Bool {
        switch self {
        case .badProof, .malformed, .unsupported, .tooLarge: true
        case .accepted, .repeated, .ignored, .timedOut, .rateLimited, .conflict, .unavailable: false
        }
    }

    /// What a problem that a request is answered with counts as.
    init(_ problem: Problem) {
        self =
            switch problem.code {
            case .unauthenticated: .badProof
            case .unsupportedMediaType: .unsupported
            case .bodyTooLarge, .tooManyItems: .tooLarge
            case .bodyTimeout: .timedOut
            case .rateLimited: .rateLimited
            case .idempotencyConflict: .conflict
            case .databaseUnavailable, .engineUnavailable, .pairingBegins, .overloaded, .internalError: .unavailable
            case .malformedJSON, .conflictingIDs, .invalidField, .forbidden, .outsideTeam, .notFound, .methodNotAllowed,
                .instanceTaken, .held, .notOnShift, .instanceRunning, .noInstance, .nameInUse,
                .noPairingNeeded, .codesRanOut, .notOffered, .sessionMissing, .pairingRequired, .unknownWord,
                .alreadyDecided, .moreWaits:
                .malformed
            }
    }

    /// What a genuine request that is committed counts as.
    ///
    /// `outcomes`: of its events, none for one that nothing was made of. An id used twice is told where nothing was new.
    init(_ outcomes: [AppendOutcome]) {
        var (hasNews, hasConflict) = (false, false)
        for outcome in outcomes {
            switch outcome {
            case .receipt(let receipt): if !receipt.isReplay { hasNews = true }
            case .conflict: hasConflict = true
            case .outsideTeam, .refused: break
            }
        }
        self = outcomes.isEmpty ? .ignored : hasNews ? .accepted : hasConflict ? .conflict : .repeated
    }
}
