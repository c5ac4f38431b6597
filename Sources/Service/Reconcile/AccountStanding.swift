import Domain
import Logging

/// How one engine account is doing: feeds the breaker, notices that its credential is refused, raises and clears incidents.
struct AccountStanding: Sendable {
    let account: Int32
    let calls: CallQueue
    let leases: LeaseBook
    let incidents: IncidentLog
    let meters: WorkerMeters
    let logger: Logger

    /// Takes in how a call went.
    func note(_ answer: EngineAnswer) {
        if let pause = calls.noteOutcome(answer.verdict) {
            meters.paused()
            incidents.raise(.engineOutage, account: account, detail: "no call succeeds; pausing \(pause)")
        } else if answer.verdict == .ok {
            incidents.clear(.engineOutage, account: account)
        }
        if answer.verdict == .auth {
            guard leases.setRefused(account, true) else { return }
            logger.warning("the engine refuses the account's credential")
            incidents.raise(.accountRefused, account: account, detail: "HTTP 401 for the whole account")
        } else if answer.httpStatus != nil, answer.verdict == .ok || answer.verdict == .missing {
            guard leases.setRefused(account, false) else { return }
            logger.notice("the engine accepts the account's credential again")
            incidents.clear(.accountRefused, account: account)
        }
    }
}
