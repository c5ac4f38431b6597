import Domain

/// What one seed simulates.
struct Scenario: Sendable {
    var seed: UInt64
    var replicas: Int
    var accounts: Int
    var agents: Int
    /// Agents that events name before anybody makes them.
    var strangers: Int
    /// Agents of whom nothing is reported but records, which their sender changes and withdraws.
    var byRecord: Set<String>
    var lists: Bool
    var callsPerSecond: Int
    var width: Int
    /// How long codes last that nobody scans, in microseconds, before the session fails; `nil` where they never end.
    var codesLast: Int64?
    /// How long things break, in microseconds.
    var stress: Int64
    /// The mean time between two mishaps and between two clock events, in microseconds.
    var mishapEvery: Int64
    var eventEvery: Int64
    var policy: ReconcilePolicy
    var sweep: SweepPolicy
    /// The engine is away all the time, and nothing else breaks.
    var isEngineAway = false

    /// Everybody is on shift at some time, and all sessions fail alike for longer than a minute.
    var hasStorm = false

    /// An event this far ahead counts as now, as long as `ROLLCALL_CLOCK_SKEW` says nothing else.
    static let skew: Duration = .seconds(2)
    /// Once nothing breaks any more, everything converges within this.
    ///
    /// The longest waits that may follow each other: an unknown outcome, the longest retry, a restart window with its spacing, a
    /// boot that hangs, and a round of looks for each.
    static let bound: Int64 = 480_000_000
    /// How long it rests then, in microseconds: longer than three of the slowest intervals.
    static let rest: Int64 = 65_000_000
    /// From when on everything has to be fresh, in microseconds: two of the slowest intervals and more.
    static let freshAfter: Int64 = 45_000_000
    /// Within which an event that another replica took leads to a command.
    static let wake: Int64 = 5_000_000

    init(seed: UInt64) {
        var numbers = SeededNumbers(seed: seed, stream: 4)
        self.seed = seed
        replicas = 2 + numbers.below(2)
        accounts = numbers.chance(250) ? 2 : 1
        agents = 3 + numbers.below(6)
        strangers = numbers.below(3)
        lists = numbers.chance(400)
        callsPerSecond = numbers.pick([1, 4, 20])
        width = numbers.pick([2, 4, 8])
        stress = numbers.microseconds(180_000_000...600_000_000)
        mishapEvery = numbers.microseconds(2_000_000...9_000_000)
        eventEvery = numbers.microseconds(2_000_000...8_000_000)
        policy = ReconcilePolicy()
        policy.callTimeout = .seconds(numbers.pick([5, 10, 20]))
        policy.startingTimeout = .seconds(30)
        policy.startLookAfter = .seconds(numbers.pick([10, 300]))
        policy.restartWindow = .seconds(180)
        policy.restartSpacing = .seconds(20)
        policy.longestRetry = .seconds(60)
        policy.firstFallDelay = .seconds(60)
        policy.pairingLookFor = .seconds(60)
        policy.breakAction = numbers.chance(500) ? .keep : .stop
        sweep = SweepPolicy(onShift: .seconds(10), offShift: .seconds(20))
        codesLast = numbers.chance(700) ? numbers.microseconds(30_000_000...90_000_000) : nil
        byRecord = Set((0..<numbers.below(1 + agents / 2)).map { "a\($0 + 1)" })
        if seed % 12 == 5 { prepareStorm() }
    }

    /// As many sessions at one account as it takes for failing alike, and calls enough to restart them all at once.
    private mutating func prepareStorm() {
        hasStorm = true
        accounts = 1
        agents = 14 + Int(seed / 12 % 3)
        byRecord = []
        callsPerSecond = 20
    }

    /// A day without an engine, while people clock in and out.
    static func engineAway(seed: UInt64) -> Scenario {
        var scenario = Scenario(seed: seed)
        scenario.isEngineAway = true
        scenario.hasStorm = false
        scenario.stress = 86_400_000_000
        scenario.eventEvery = 300_000_000
        return scenario
    }

    static func account(_ number: Int) -> String { "account-\(number + 1)" }
}
