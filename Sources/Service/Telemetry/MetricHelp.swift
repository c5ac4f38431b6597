/// What those metrics mean whose names do not say it, by the label the code uses; shown with each scrape.
package enum MetricHelp {
    package static let sentences = [
        "late_commands":
            "Commands that ended after the lease had run out under which they left, as when the process stood still; "
            + "the engine may have heard them when another replica acted for the account already.",
        "outcomes_refused":
            "Outcomes of commands that were not written, since another replica acted for the account when they came back.",
    ]
}
