/// Something that runs sessions: the port that every engine's client fills.
///
/// Logout, delete and create are not here, so no decision of ours can unpair or destroy a session.
package protocol SessionEngine: Sendable {
    /// Makes one call for one session and says what the answer means.
    ///
    /// Never throws: every outcome, no answer included, is a verdict. Ends by itself within the
    /// account's time-out, and early with ``EngineVerdict/ambiguous`` when the task is cancelled.
    ///
    /// `departure`: a call that did not leave before its end is taken back, with ``EngineVerdict/notSent``.
    func send(_ call: EngineCall, to session: SessionAddress, departure: CallDeparture) async -> EngineAnswer
}

extension SessionEngine {
    /// Makes one call that may leave at any time within the account's time-out.
    package func send(_ call: EngineCall, to session: SessionAddress) async -> EngineAnswer {
        await send(call, to: session, departure: CallDeparture())
    }
}

/// An engine that can read all of an account's sessions in one call.
package protocol ListingEngine: SessionEngine {
    /// Reads every session that the account's credential may see.
    ///
    /// Never throws, and ends by itself, as ``SessionEngine/send(_:to:departure:)``.
    func list(departure: CallDeparture) async -> SessionList
}

extension ListingEngine {
    /// Lists whenever the call can leave.
    package func list() async -> SessionList { await list(departure: CallDeparture()) }
}

/// The four calls we make for one session.
package enum EngineCall: String, Sendable, Hashable, CaseIterable {
    /// Reads the state; changes nothing.
    case info
    /// STOPPED -> STARTING -> WORKING or SCAN_QR_CODE.
    case start
    /// Pauses the session; the pairing stays.
    case stop
    /// Stop and start in one call; also starts a stopped session.
    case restart
}

/// Which session a call is about, in the engine's own identifiers.
package struct SessionAddress: Sendable, Hashable {
    /// Opaque, not empty (Wawp: usually 12 characters; WAHA: the session's name).
    package var instanceID: String
    /// The name that webhooks carry (`wawp-84729105`); not used in calls.
    package var sessionName: String?

    package init(instanceID: String, sessionName: String? = nil) {
        self.instanceID = instanceID
        self.sessionName = sessionName
    }
}

/// What an answer, or its absence, means for the caller.
package enum EngineVerdict: String, Sendable, Hashable, CaseIterable {
    /// Success with a status word in the body. For a command still a claim, not a proof.
    case ok
    /// 422: the wanted state may already hold; read.
    case already
    /// Success claimed without evidence (2xx with no status word); read.
    case verify
    /// A 2xx that is a failure: `code` without `status`, where code is not `success`.
    case errorBody
    /// 404: the session does not exist.
    case missing
    /// 400, 403 and other 4xx: a bug or a setting; the same call will fail again.
    case permanent
    /// 401: holds for the whole account.
    case auth
    /// 429 and 5xx: the same call may succeed later. A command may have had its effect all the same.
    case transient
    /// The connection was never made, so the call cannot have had an effect.
    case unreachable
    /// No answer, a cut answer, or one too large: the outcome is unknown; read.
    case ambiguous
    /// We kept the call back (lease over, also while it waited for a connection, or shutting down): nothing left this process.
    case notSent

    /// Whether the engine, or what stands before it, has had the call.
    package var isAnswer: Bool {
        switch self {
        case .ok, .already, .verify, .errorBody, .missing, .permanent, .auth, .transient: true
        case .unreachable, .ambiguous, .notSent: false
        }
    }

    /// Whether a read with this answer was answered and says nothing of its session: it was refused, or names no status.
    ///
    /// For a command some of these are success.
    package var provesNothingWhenRead: Bool {
        switch self {
        case .already, .verify, .errorBody, .permanent: true
        case .ok, .missing, .auth, .transient, .unreachable, .ambiguous, .notSent: false
        }
    }

    /// Whether a command with this answer may have its effect later than the answer, or may have had none.
    package var isUnclear: Bool {
        switch self {
        case .errorBody, .transient, .ambiguous: true
        case .ok, .already, .verify, .missing, .permanent, .auth, .unreachable, .notSent: false
        }
    }
}

/// The outcome of one call.
package struct EngineAnswer: Sendable, Hashable {
    package var verdict: EngineVerdict
    /// The status word the body named, if any.
    package var status: SessionStatus?
    /// HTTP status; `nil` when no answer came.
    package var httpStatus: Int?
    /// The engine's own words: at most 200 characters, credentials and telephone numbers removed.
    package var detail: String
    /// How long the engine asked us to wait (`Retry-After`), at most an hour.
    package var retryAfter: Duration?

    package init(
        verdict: EngineVerdict,
        status: SessionStatus? = nil,
        httpStatus: Int? = nil,
        detail: String = "",
        retryAfter: Duration? = nil
    ) {
        self.verdict = verdict
        self.status = status
        self.httpStatus = httpStatus
        self.detail = detail
        self.retryAfter = retryAfter
    }
}

extension EngineAnswer {
    /// What an answer to `info` proves; `nil` when nothing.
    package var reading: SessionReading? {
        switch verdict {
        case .ok: status.map(SessionReading.status)
        case .missing: .missing
        case .already, .verify, .errorBody, .permanent, .auth, .transient, .unreachable, .ambiguous, .notSent: nil
        }
    }
}
