import Domain

/// All that the simulated engine knows, changed under one lock.
struct World {
    let configuration: SimulatorConfiguration
    var behaviour: SimulatorBehaviour
    var faults = FaultBook()
    var log: CallLog
    var webhooks: WebhookSettings
    private(set) var sessions: [SimulatedSession] = []
    private var indices: [String: Int] = [:]
    /// Sessions with a step to come, by time; kept only while somebody listens.
    private var alarms = AlarmQueue()
    /// Events that nobody has taken yet.
    private(set) var events: [StatusEvent] = []
    private var eventCount = 0
    private var createdCount = 0
    /// Whether a session was given a webhook list of its own since the last reset.
    var hasOwnWebhooks = false
    /// Events beyond this are lost, oldest first; a receiver that is so far behind polls anyway.
    private let eventLimit = 100_000

    init(_ configuration: SimulatorConfiguration, now: Timestamp) {
        self.configuration = configuration
        behaviour = configuration.behaviour
        log = CallLog(limit: configuration.callLogLimit)
        webhooks = configuration.webhooks
        for seed in configuration.sessions { put(SimulatedSession(seed: seed, now: now)) }
    }

    // MARK: Finding

    /// Where a session is, after everything due by now has happened to it.
    mutating func find(_ instanceID: String, now: Timestamp, mayCreate: Bool = true) -> Int? {
        if let index = indices[instanceID] {
            settle(index, now: now)
            return index
        }
        guard behaviour.autoCreate, mayCreate, !instanceID.isEmpty else { return nil }
        let seed = SimulatorConfiguration.Seed(instanceID: instanceID, sessionName: "wawp-\(instanceID)")
        return put(SimulatedSession(seed: seed, now: now))
    }

    /// Adds a session, or replaces the one with its id.
    @discardableResult
    mutating func put(_ session: SimulatedSession) -> Int {
        if let index = indices[session.instanceID] {
            sessions[index] = session
            return index
        }
        indices[session.instanceID] = sessions.count
        sessions.append(session)
        return sessions.count - 1
    }

    /// Forgets a session for good; its id answers 404 from now on.
    mutating func remove(_ instanceID: String) {
        guard let index = indices.removeValue(forKey: instanceID) else { return }
        let last = sessions.removeLast()
        guard last.instanceID != instanceID else { return }
        sessions[index] = last
        indices[last.instanceID] = index
    }

    mutating func removeAllSessions() {
        sessions = []
        indices = [:]
        alarms = AlarmQueue()
    }

    mutating func edit(_ index: Int, _ change: (inout SimulatedSession) -> Void) {
        change(&sessions[index])
    }

    /// Makes the ids of a new session; the first are those of Wawp's example.
    mutating func nextIdentity() -> SimulatorConfiguration.Seed {
        while true {
            createdCount += 1
            let draw = mixed(configuration.seed ^ 0xC0FFEE, UInt64(createdCount))
            let id = createdCount == 1 ? "3EB0BCB2E3D4" : hex(draw, digits: 12)
            let name = createdCount == 1 ? "wawp-84729105" : "wawp-\(10_000_000 + draw % 90_000_000)"
            if indices[id] == nil {
                return SimulatorConfiguration.Seed(instanceID: id, sessionName: name, isPaired: false)
            }
        }
    }

    // MARK: Time

    /// Lets everything happen to a session that is due by now.
    mutating func settle(_ index: Int, now: Timestamp) {
        while let step = sessions[index].steps.first, step.at <= now {
            sessions[index].steps.removeFirst()
            if step.status == .starting {
                beginBoot(index, at: step.at, keeping: true)
            } else {
                enter(index, step.status, at: step.at)
            }
        }
    }

    /// Lets everything happen that is due by now to sessions somebody listens to.
    mutating func settleDue(now: Timestamp) {
        while let instanceID = alarms.popDue(now: now) {
            if let index = indices[instanceID] { settle(index, now: now) }
        }
    }

    /// Sets the alarms of all sessions; for when somebody begins to listen.
    mutating func setAlarms() {
        alarms = AlarmQueue()
        for session in sessions {
            for step in session.steps { alarms.insert(session.instanceID, at: step.at) }
        }
    }

    /// Whether anybody gets events: all sessions' or one's.
    var isHeard: Bool { !webhooks.urls.isEmpty || hasOwnWebhooks }

    /// Takes the events that wait.
    mutating func takeEvents() -> [StatusEvent] {
        let taken = events
        events = []
        return taken
    }

    // MARK: Changing

    /// Puts a session into a status, and tells whoever listens.
    mutating func enter(_ index: Int, _ status: SessionStatus, at instant: Timestamp) {
        sessions[index].countCode(status)
        sessions[index].status = status
        sessions[index].since = instant
        sessions[index].recent = sessions[index].recent.suffix(2) + [.init(at: instant, status: status)]
        if status == .scanQRCode { scheduleNextCode(index, after: instant) }
        let session = sessions[index]
        guard !webhooks.urls.isEmpty || !session.webhooks.isEmpty else { return }
        eventCount += 1
        events.append(
            StatusEvent(
                number: eventCount,
                instanceID: session.instanceID,
                sessionName: session.name,
                status: status,
                at: instant,
                recent: session.recent,
                telephone: session.telephone,
                pushName: session.pushName,
                urls: session.urls,
                ownReceivers: session.ownReceivers
            )
        )
        if events.count > eventLimit { events.removeFirst(events.count - eventLimit) }
    }

    /// Writes down what will happen to a session.
    mutating func schedule(_ index: Int, _ status: SessionStatus, at instant: Timestamp) {
        let place = sessions[index].steps.firstIndex { $0.at > instant } ?? sessions[index].steps.count
        sessions[index].steps.insert(SimulatedSession.Step(at: instant, status: status), at: place)
        if !webhooks.urls.isEmpty || !sessions[index].webhooks.isEmpty {
            alarms.insert(sessions[index].instanceID, at: instant)
        }
    }

    /// Begins to boot: STARTING now, and how it ends written down.
    ///
    /// - Parameters:
    ///   - index: the session.
    ///   - instant: when it begins, which may lie in the past.
    ///   - keeping: whether steps already written down stay.
    ///   - fails: whether the boot ends in FAILED.
    mutating func beginBoot(_ index: Int, at instant: Timestamp, keeping: Bool = false, fails: Bool = false) {
        if !keeping { sessions[index].steps = [] }
        enter(index, .starting, at: instant)
        sessions[index].boots += 1
        let instanceID = sessions[index].instanceID
        let ready = instant + bootTime(of: index)
        if faults.take([.stuckStarting], for: nil, of: instanceID, now: instant) != nil { return }
        if fails || faults.take([.failed], for: nil, of: instanceID, now: instant) != nil {
            schedule(index, .failed, at: ready)
        } else {
            schedule(index, sessions[index].isPaired ? .working : .scanQRCode, at: ready)
        }
    }

    /// How long this boot takes; drawn from the seed, the id and the number of the boot.
    private func bootTime(of index: Int) -> Duration {
        let range = configuration.bootTime
        let span = (range.upperBound - range.lowerBound).microseconds
        guard span > 0 else { return range.lowerBound }
        let session = sessions[index]
        var draw = mixed(configuration.seed, session.boots)
        for byte in session.instanceID.utf8 { draw = mixed(draw, UInt64(byte)) }
        return range.lowerBound + .microseconds(Int64(draw % UInt64(span + 1)))
    }
}
