package import ClockSources

/// How the outside is told.
package struct AlertConfiguration: Sendable {
    package var receiver: any AlertReceiver
    package var signer: StandardWebhooksSigner
    /// How long an agent on shift may be unable to work before that is told (`ROLLCALL_ALERT_AFTER`).
    package var after: Duration
    /// Between two looks for what is new where nothing wakes the sender.
    package var interval: Duration = .seconds(30)
    /// The wait after the first failed try; each next is twice as long.
    package var firstRetry: Duration = .seconds(5)

    package init(receiver: any AlertReceiver, signer: StandardWebhooksSigner, after: Duration) {
        self.receiver = receiver
        self.signer = signer
        self.after = after
    }
}

/// Whoever is told: the port that a client over HTTP fills.
package protocol AlertReceiver: Sendable {
    /// Makes one POST, and ends by itself.
    ///
    /// Never throws: no answer is an outcome too.
    func post(_ body: [UInt8], headers: [(name: String, value: String)]) async -> AlertOutcome
}

/// What came of one try.
package enum AlertOutcome: Sendable, Hashable {
    /// The receiver answered.
    case answered(status: Int)
    /// The receiver's name leads to an address that is not public, and no setting allows that.
    case forbiddenAddress
    case unresolved
    case unreachable
    case timedOut

    /// Whether it counts as told.
    var isDelivered: Bool {
        if case .answered(let status) = self { (200..<300).contains(status) } else { false }
    }

    var httpStatus: Int16? {
        if case .answered(let status) = self { Int16(clamping: status) } else { nil }
    }

    /// What stood against it, in a stable word; `nil` when nothing did.
    var fault: String? {
        switch self {
        case .answered(let status):
            switch status {
            case 200..<300: nil
            case 300..<400: "redirected"
            default: "refused"
            }
        case .forbiddenAddress: "forbidden_address"
        case .unresolved: "unresolved"
        case .unreachable: "unreachable"
        case .timedOut: "timed_out"
        }
    }
}
