import Domain

/// What the engines' pages leave open, as switches; `GET` and `PUT /_sim/behaviour`, in these words with
/// underscores (`success_status`).
package struct SimulatorBehaviour: Sendable, Codable, Equatable {
    package enum WhenRunning: String, Sendable, Codable {
        /// 2xx with the present status; nothing happens.
        case noop
        /// 422, as WAHA's core answers.
        case refuse
        /// The session drops its link and boots again.
        case flap
    }

    package enum WhenStopped: String, Sendable, Codable { case noop, refuse }

    package enum TooSoon: String, Sendable, Codable {
        /// 502; nothing happens.
        case refuse
        case accept
        /// 2xx, but the boot ends in FAILED.
        case fail
    }

    package enum ErrorFormat: String, Sendable, Codable { case json, xml, plain, html }

    package enum Placement: String, Sendable, Codable, CaseIterable { case body, query, bearer, header }

    package enum LetterCase: String, Sendable, Codable { case upper, lower }

    package enum ConfigShape: String, Sendable, Codable {
        /// `"webhooks":{}`, as Wawp prints it.
        case object
        /// `"webhooks":[]`, as WAHA does.
        case array
    }

    /// Status of a command that succeeded: 200 or 201.
    package var successStatus = 200
    package var startWhenRunning = WhenRunning.noop
    package var startWhenFailed = WhenStopped.noop
    package var stopWhenStopped = WhenStopped.noop
    package var startTooSoon = TooSoon.refuse
    /// Starts sooner than this after a stop are too soon, in simulated milliseconds.
    package var stopStartGapMs: Int64 = 3000
    /// The format of the contract's errors (400, 401, 403, 404, 422).
    package var errorFormat = ErrorFormat.json
    /// Status of a call without any token: 400 or 401.
    package var missingTokenStatus = 400
    /// Where a token is looked for; in this order: body, query, bearer, header.
    package var tokenPlacements = Placement.allCases
    package var statusCase = LetterCase.upper
    package var configShape = ConfigShape.object
    /// Instances the account may still create; `nil` for no limit.
    package var quotaLeft: Int?
    /// Whether the account's plan has webhooks.
    package var paid = true
    /// A stop of an unknown session under WAHA's contract: 404, or 201 without a body as 2024.10.8 answers.
    package var stopUnknown = WhenStopped.refuse
    /// Whether WAHA's create starts the session when it is not told; 2024.10.8 did not.
    package var createStarts = true
    /// Whether WAHA's create takes no other name than `default`, as Core did before 2026.6.1.
    package var coreSingleSession = false
    /// Whether WAHA's list leaves stopped sessions out even with `all=true`.
    package var listLeavesOutStopped = false
    /// How long WAHA waits for the state that a call needs before it answers 422, in simulated milliseconds.
    package var stateWaitMs: Int64 = 5000
    /// Whether WAHA's `/health` is content.
    package var healthy = true
    /// Whether an unknown instance id comes to life, STOPPED and paired, when it is first named.
    package var autoCreate = false

    package init() {}

    /// A status as answers have it; one that works and is dead says that it works.
    func written(_ status: SessionStatus) -> String {
        let word = (status == .suspect ? .working : status).word
        return statusCase == .lower ? word.lowercased() : word
    }
}
