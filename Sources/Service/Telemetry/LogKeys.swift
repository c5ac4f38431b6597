/// The names that log metadata goes by; each is the word of column, metric and page.
package enum LogKeys {
    // Who and what.
    package static let agent = "agent"
    package static let instance = "instance"
    package static let engine = "engine"
    package static let source = "source"
    package static let team = "team"
    package static let delivery = "delivery"
    package static let event = "event"
    package static let sequence = "sequence"
    package static let generation = "generation"
    package static let key = "key_id"

    // Replicas and leases.
    package static let replica = "replica"
    package static let holder = "holder"
    package static let term = "term"

    // Decisions and calls.
    package static let desired = "desired"
    package static let observed = "observed"
    package static let action = "action"
    package static let reason = "reason"
    package static let verdict = "verdict"
    package static let condition = "condition"
    package static let incident = "incident"
    package static let attempts = "attempts"

    // HTTP and settings.
    package static let method = "method"
    package static let route = "route"
    package static let status = "status"
    package static let host = "host"
    package static let port = "port"
    package static let setting = "setting"
    package static let origin = "origin"
    package static let version = "version"

    // Measures; the unit is in the name.
    package static let count = "count"
    package static let outcomes = "outcomes"
    package static let limit = "limit"
    package static let milliseconds = "milliseconds"
    package static let bytes = "bytes"

    // Failure.
    package static let error = "error"
    package static let signal = "signal"

    /// Keys whose values are our own identifiers and numbers, so that a long row of digits is no telephone.
    package static let identifiers: Set<String> = [
        agent, instance, delivery, event, sequence, generation, key, replica, holder, term, count, outcomes, limit,
        milliseconds, bytes, version, incident,
    ]
}
