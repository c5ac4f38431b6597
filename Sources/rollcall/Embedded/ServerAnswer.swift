/// What the end of one of PostgreSQL's programs says about the server that it needs.
enum ServerAnswer: Sendable, Hashable {
    /// What was asked for is done, or was there already.
    case done
    /// The server runs and takes no connections yet: after a crash it first replays its log, which may take hours.
    case startingUp
    /// It will not come to pass by waiting.
    case failed

    init(_ outcome: ChildProcess.Outcome) {
        if outcome.status == 0 || outcome.output.contains(Self.alreadyThere) {
            self = .done
        } else if Self.startingWords.contains(where: { outcome.output.contains($0) }) {
            self = .startingUp
        } else {
            self = .failed
        }
    }

    private static let alreadyThere = "database \"\(ClusterLayout.database)\" already exists"

    /// In English, whatever the machine speaks: the programs run with `LC_ALL=C`, and so does a cluster that we made.
    ///
    /// Source: `do_start` in PostgreSQL's `pg_ctl.c`, and `ProcessStartupPacket` in its `postmaster.c`.
    private static let startingWords = [
        "server did not start in time",
        "the database system is starting up",
        "the database system is not yet accepting connections",
        "the database system is not accepting connections",
        "the database system is in recovery mode",
    ]
}
