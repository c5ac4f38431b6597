/// How many calls wait for an engine account, by rank.
struct LineCounts: Sendable, Hashable {
    /// Commands that people asked for.
    var people = 0
    /// Commands that repair drift.
    var repair = 0
    /// Looks that something led to, besides sweeps; those that people wait for leave before repairs.
    var look = 0
    /// Looks of sweeps.
    var sweep = 0
}

/// What waits for an engine account at one instant, and how fast it may leave.
struct LineLoad: Sendable, Hashable {
    var counts = LineCounts()
    /// How many calls have left since the process began.
    var departed = 0
    /// The budget, without what is left to others; 1 or more.
    var callsPerSecond = 1
    /// The engine has a pause, since no call succeeds: nothing leaves.
    var isPaused = false
}
