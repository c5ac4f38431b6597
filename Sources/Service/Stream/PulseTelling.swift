/// What one watcher is told of the engines: those that its teams have sessions on, without what waits there for all teams,
/// whenever that is other than what it was told.
struct PulseTelling: Sendable {
    /// The teams that the watcher is bound to, in order; `nil` for who hears of all engines.
    let teams: [String]?

    /// The engines of its teams; `nil` before they were read.
    private var names: Set<String>?
    private var dueAt: ContinuousClock.Instant
    private var told: [EnginePulse]?
    /// Which reading that was; 0 when it is to be looked at again.
    private var version: UInt64 = 0

    /// A team gets its first session on an engine, or loses its last, without any pulse that would say so.
    static let interval = Duration.seconds(30)
    /// When the database did not answer.
    static let retryInterval = Duration.seconds(2)

    /// Teams' engines are to be asked for at `now`.
    init(teams: [String]?, now: ContinuousClock.Instant = .now) {
        self.teams = teams
        dueAt = now
    }

    /// The teams whose engines are to be asked for now; `nil` when there is nothing to ask.
    func teamsToAsk(now: ContinuousClock.Instant) -> [String]? {
        dueAt <= now ? teams : nil
    }

    /// Takes in the engines that its teams have sessions on.
    ///
    /// `latest`: `nil` when the database did not answer; then they are what they were.
    mutating func learn(_ latest: Set<String>?, now: ContinuousClock.Instant) {
        dueAt = now + (latest == nil ? Self.retryInterval : Self.interval)
        guard let latest, latest != names else { return }
        names = latest
        version = 0
    }

    /// What is to be told now; `nil` when nobody knows yet, or it was told before.
    mutating func take(_ pulses: EnginePulses) -> [EnginePulse]? {
        guard pulses.version != version, let engines = pulses.engines else { return nil }
        var visible = engines
        if teams != nil {
            guard let names else { return nil }
            visible = engines.filter { names.contains($0.engine) }.map(\.withoutLine)
        }
        version = pulses.version
        guard visible != told else { return nil }
        told = visible
        return visible
    }
}
