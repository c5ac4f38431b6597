/// The names that log metadata goes by, each the word of column, metric and page; those that some log uses and no others.
///
/// The database client has no such names: it logs under `error` and `connection`.
package enum LogKeys {
    // Who and what.
    package static let account = "account"
    package static let instance = "instance"
    package static let source = "source"

    // Decisions, calls, leases.
    package static let action = "action"
    package static let reason = "reason"
    package static let verdict = "verdict"
    package static let attempts = "attempts"
    package static let term = "term"

    // Incidents and alerts.
    package static let kind = "kind"
    package static let detail = "detail"
    package static let fault = "fault"

    // The database.
    package static let databaseURL = "database_url"
    package static let migration = "migration"
    package static let partition = "partition"
    package static let step = "step"

    // HTTP and settings.
    package static let address = "address"
    package static let route = "route"
    package static let setting = "setting"

    // Measures; the unit is in the name.
    package static let count = "count"
    package static let outcomes = "outcomes"
    package static let milliseconds = "milliseconds"

    // Failure.
    package static let error = "error"

    /// Keys whose values are our own identifiers, numbers and folders, so that a long row of digits is no telephone.
    package static let identifiers: Set<String> = [instance, databaseURL, term, count, outcomes, milliseconds]
}
