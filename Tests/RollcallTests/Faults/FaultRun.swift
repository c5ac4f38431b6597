import Domain
import Foundation
import LibPQ
import Synchronization
import TestSupport
import Testing

/// One run of the fault suite: replicas on one database, two engine accounts, senders, and what is noted about all of them.
final class FaultRun: Sendable {
    /// Agents with a session, half of them at each account.
    static let workers = (1...6).map { "worker-\($0)" }
    /// Agents without a session, for the number of events.
    static let crowd = (1...6).map { "crowd-\($0)" }
    /// Those of them whose events come backwards.
    static let backwards = Array(crowd.suffix(3))
    static let accounts = ["main", "home"]
    /// All of them as they are mapped: the sessions to the two accounts in turn.
    static let mappings = (workers + crowd).enumerated().map { index, agent in
        workers.contains(agent)
            ? History.Mapping(agent: agent, instance: "i-\(agent)", account: accounts[index % accounts.count])
            : History.Mapping(agent: agent)
    }
    /// What every replica's token begins with, and nothing else that anybody says.
    static let tokenStem = "tok_replica_"
    /// As many replicas as can be told apart.
    static let tokens = (10..<60).map { "\(tokenStem)\($0)" }

    /// In the settings of a replica: it has no other engine accounts than these.
    static let onlyThese = "only these accounts"
    /// In the settings of a replica: the port of a proxy through which it reaches the database.
    static let proxyPort = "proxy port"

    struct Replica: Sendable {
        var number: Int
        var process: RollcallProcess
        /// Where its metrics are.
        var metricsPort: Int
        var served: Served?
        /// Gone on purpose, so nothing is sent there.
        var isGone = false
    }

    private struct State {
        var replicas: [Replica] = []
        var freezes: [History.Freeze] = []
        var outages: [History.Outage] = []
        var sights: [History.Sight] = []
        /// What a replica holds while all is well, by its number.
        var footprints: [Int: Footprint] = [:]
        var countsFrom: Int64?
    }

    let installation: Installation
    let load = FaultLoad()
    private let state = Mutex(State())

    init(_ installation: Installation) {
        self.installation = installation
    }

    var engine: SimulatedEngine { installation.engine }
    var replicas: [Replica] { state.withLock { $0.replicas } }
    var live: [Replica] { replicas.filter { !$0.isGone } }
    var freezes: [History.Freeze] { state.withLock { $0.freezes } }
    var outages: [History.Outage] { state.withLock { $0.outages } }
    var sights: [History.Sight] { state.withLock { $0.sights } }
    var footprints: [Int: Footprint] { state.withLock { $0.footprints } }
    /// From when the time to recover counts; `nil` before ``countFromNow()``.
    var countsFrom: Int64? { state.withLock { $0.countsFrom } }

    /// The fault is over, or has struck where others take over: the time to recover counts from here.
    func countFromNow() {
        count(from: FaultLoad.now())
    }

    /// The same of an instant that lies back a moment.
    func count(from instant: Int64) {
        state.withLock { $0.countsFrom = instant }
    }

    // MARK: Replicas

    /// Starts one more replica and waits for nothing.
    ///
    /// - Returns: its number, which the engine's log tells it by.
    @discardableResult
    func begin(_ changes: [String: String] = [:], program: String? = nil) throws -> Int {
        let number = replicas.count
        try #require(number < Self.tokens.count)
        var settings = [
            "ROLLCALL_ENGINES": Self.accounts.joined(separator: ","),
            "ROLLCALL_ENGINE_MAIN_TOKEN": Self.tokens[number],
            "ROLLCALL_ENGINE_HOME_KIND": "wawp",
            "ROLLCALL_ENGINE_HOME_TOKEN": Self.tokens[number],
            "ROLLCALL_ENGINE_HOME_TIMEOUT": "3s",
            "ROLLCALL_ENGINE_HOME_CALLS_PER_SECOND": "500",
            "ROLLCALL_SWEEP_INTERVAL": "2s",
            "ROLLCALL_OFF_SHIFT_SWEEP_INTERVAL": "2s",
        ]
        if changes[Self.onlyThese] != nil {
            settings = settings.filter { !$0.key.hasPrefix("ROLLCALL_ENGINE_") }
        }
        settings.merge(changes) { _, new in new }
        settings[Self.onlyThese] = nil
        let metricsPort = try settings["ROLLCALL_METRICS_PORT"].flatMap { Int($0) } ?? LoopbackPort.free()
        settings["ROLLCALL_METRICS_PORT"] = "\(metricsPort)"
        if let port = settings.removeValue(forKey: Self.proxyPort).flatMap({ Int($0) }) {
            settings["ROLLCALL_DATABASE_URL"] = installation.databaseURL(throughPort: port)
        }
        let process = try installation.start(settings, program: program)
        state.withLock { $0.replicas.append(Replica(number: number, process: process, metricsPort: metricsPort)) }
        return number
    }

    /// Waits until a replica that was begun takes requests; senders then know of it.
    @discardableResult
    func listen(_ number: Int) async throws -> Served {
        let served = try await installation.served(replicas[number].process)
        try await served.until("replica \(number) is ready") {
            try await served.http.send("GET", "/readyz").status == 200
        }
        state.withLock { $0.replicas[number].served = served }
        tellSenders()
        return served
    }

    @discardableResult
    func add(_ changes: [String: String] = [:], program: String? = nil) async throws -> Int {
        let number = try begin(changes, program: program)
        try await listen(number)
        return number
    }

    /// Notes that a replica is gone, or is about to go; senders that know of it meanwhile find nobody and go on.
    func leave(_ number: Int) {
        state.withLock { $0.replicas[number].isGone = true }
        tellSenders()
    }

    /// Ends a replica as `kill -9` does.
    func kill(_ number: Int) async throws {
        let process = replicas[number].process
        process.kill()
        try await process.ending()
        leave(number)
    }

    /// Asks a replica to stop, and waits until it has.
    func stop(_ number: Int) async throws {
        let process = replicas[number].process
        process.signal(SIGTERM)
        let ending = try await process.ending(within: .seconds(60))
        #expect(ending == .exit(0), "\(process.output.suffix(2000))")
        leave(number)
    }

    func freeze(_ number: Int) {
        replicas[number].process.signal(SIGSTOP)
        noteFreeze(of: number)
    }

    /// Waits until a replica stands still that was told to stop itself, and notes it.
    func untilFrozen(_ number: Int) async throws {
        try await until("replica \(number) stands still") { self.replicas[number].process.standsStill }
        noteFreeze(of: number)
    }

    private func noteFreeze(of number: Int) {
        state.withLock { $0.freezes.append(.init(replica: number, from: FaultLoad.now(), to: .max)) }
    }

    func thaw(_ number: Int) {
        state.withLock { state in
            for index in state.freezes.indices where state.freezes[index].replica == number {
                state.freezes[index].to = min(state.freezes[index].to, FaultLoad.now())
            }
        }
        replicas[number].process.signal(SIGCONT)
    }

    /// Notes that the database took no heartbeat since then, and until now.
    func noteOutage(from start: Int64) {
        state.withLock { $0.outages.append(.init(from: start, to: FaultLoad.now())) }
    }

    /// When the database last took a heartbeat, for ``noteOutage(from:)`` where it is there and takes none.
    static let lastBeat: PQStatement = "SELECT max(seen_at) AS seen_at FROM replicas"

    func note(_ sights: [History.Sight]) {
        state.withLock { $0.sights += sights }
    }

    func noteFootprint(of number: Int, _ footprint: Footprint) {
        state.withLock { $0.footprints[number] = footprint }
    }

    private func tellSenders() {
        load.use(live.compactMap { replica in replica.served.map { (replica.number, $0.http.port) } })
    }

    // MARK: States to wait for

    /// Waits until so many more events are taken.
    func untilTaken(_ more: Int, within limit: Duration = .seconds(90)) async throws {
        let wanted = load.taken + more
        try await until("\(more) more events taken", within: limit) { self.load.taken >= wanted }
    }

    /// Waits until something is so.
    func until(_ what: String, within limit: Duration = .seconds(90), _ isSo: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + limit
        while try await !isSo() {
            if let failure = load.failure { throw RollcallProcess.Failure(description: failure) }
            guard ContinuousClock.now < deadline else {
                throw RollcallProcess.Failure(description: "it did not come to pass: \(what)")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Lets a fault last.
    func last(_ length: Duration) async throws {
        let end = ContinuousClock.now + length
        try await until("\(length) have passed", within: length * 2) { ContinuousClock.now > end }
    }

    /// The replica that acts for an account at this moment, by the order in which they took it.
    func holder(of account: String) -> Int? {
        terms().filter { $0.account == account }.max { $0.number < $1.number }?.replica
    }

    /// When each replica took each account, as it says itself.
    func terms() -> [History.Term] {
        replicas.flatMap { replica in
            replica.process.output.split(separator: "\n").compactMap { line -> History.Term? in
                guard line.contains(#""message":"lease taken""#) else { return nil }
                return LogLine(line).flatMap { log in
                    guard let account = log.metadata["account"], let term = log.metadata["term"].flatMap({ Int64($0) })
                    else { return nil }
                    return History.Term(account: account, number: term, replica: replica.number, takenAt: log.time)
                }
            }
        }
    }
}

/// One line of the program's log.
struct LogLine {
    var time: Int64
    var metadata: [String: String]

    init?(_ line: Substring) {
        struct Content: Decodable {
            var time: String
            var metadata: [String: String]?
        }
        guard let content = try? JSONDecoder().decode(Content.self, from: Data(line.utf8)),
            let time = Timestamp(rfc3339: content.time)
        else { return nil }
        self.time = time.microseconds
        metadata = content.metadata ?? [:]
    }
}
