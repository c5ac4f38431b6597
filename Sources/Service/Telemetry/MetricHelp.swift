/// What each metric means and what it counts in, by the label the code uses; shown with each scrape.
package enum MetricHelp {
    package static let sentences = [
        // Clock events.
        "events_committed": "Clock events committed, replays among them.",
        "events_refused": "Clock events not committed, whose senders were told so.",
        "append_batch_events": "Clock events in a batch that was committed.",
        "append_commit": "Seconds from the beginning of a batch to its commit.",

        // Clock sources.
        "source_deliveries": "Requests of a clock source, by what came of them.",
        "source_last_seen_timestamp_seconds": "When a clock source was last heard, in seconds since 1970.",
        "source_unfetched_records": "Records that a clock source named and that could not be fetched, to 10,000.",

        // Engines.
        "engine_calls": "Calls to an engine, by call and verdict.",
        "engine_commands": "Commands that left for an engine, by action and the reason of the decision.",
        "engine_call": "Seconds that a call to an engine took.",
        "engine_pauses":
            "Times that calls to an engine were held back for a while: it asked for that, or no call succeeded.",
        "engine_hints": "Webhooks of engines, by what came of them.",
        "engine_line_calls": "Calls that wait for an engine account, by rank; 0 where this replica does not act.",
        "engine_asked_sessions": "Sessions that people asked something for and that are not there yet.",
        "engine_finish_seconds": "Seconds until what people asked for is predicted to be done; 0 when nothing is.",
        "late_commands":
            "Commands that ended after the lease had run out under which they left, as when the process stood still; "
            + "the engine may have heard them when another replica acted for the account already.",
        "outcomes_refused":
            "Outcomes of commands that were not written, since another replica acted for the account when they came back.",

        // Reconciling.
        "passes": "Passes written: an outcome, a read or a wake of one instance each.",
        "pass_commit": "Seconds from the beginning of a batch of passes to its commit.",

        // Telling the outside.
        "alerts_delivered": "Alerts that the outside took.",
        "alert_failures": "Tries to deliver an alert that failed.",

        // What goes.
        "body_partitions_dropped": "Months of raw bodies that were dropped.",
        "bodies_trimmed": "Old raw bodies deleted where they lie in no month.",
        "erasures": "People whose erasure came to its end.",
        "retention_failures": "Times that letting go of what is old, or an erasure, failed and was put off.",
    ]
}
