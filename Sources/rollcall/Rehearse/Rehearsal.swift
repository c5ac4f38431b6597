import FoundationEssentials
import NIOCore
import Synchronization

/// The things that can be rehearsed; each leaves lines in a report.
struct Rehearsal: Sendable {
    let fleet: RehearsalFleet
    let connections: Int
    /// Makes this run's event ids differ from every other's.
    let run: String
    /// The longest wait for sessions to get where they should be.
    let patience: Duration

    /// Rest between the last stop and the first clock-in, so that the gap between stop and start is not measured.
    private static let restAfterStops = Duration.seconds(4)

    /// How long nothing is measured after everybody has clocked out.
    private static let restBeforeLoad = Duration.seconds(5)
    /// How long the pages must have been told nothing by then.
    private static let quiet = Duration.seconds(1)
    /// How long is waited for that, and until the last page has heard of the last event.
    private static let viewersPatience = Duration.seconds(30)

    /// Events at a steady rate, in and out in turn, each a change of shift, after everybody has clocked out.
    func append(_ schedule: LoadSchedule) async throws -> [RehearsalReport.Line] {
        try await clockOut()
        return [RehearsalReport.Line("event to answer", await load(schedule, nil))]
    }

    /// The same, while pages are open, which have heard of all that was before.
    func append(_ schedule: LoadSchedule, seenBy viewers: Viewers) async throws -> [RehearsalReport.Line] {
        let (outcome, latency, missed) = try await viewers.watch(patience: Self.viewersPatience) {
            try await clockOut()
            try await viewers.awaitQuiet(of: Self.quiet, patience: Self.viewersPatience)
            return await load(schedule, viewers)
        }
        return [
            RehearsalReport.Line("event to answer", outcome),
            RehearsalReport.Line("event to page", latency: latency, failures: missed),
        ]
    }

    /// Has everybody clock out, so that each event of the load is a change, and rests until that is over.
    private func clockOut() async throws {
        try await fleet.bring("clock_out", until: "STOPPED", run: run, within: patience)
        try await ContinuousClock().sleep(for: Self.restBeforeLoad)
    }

    private func load(_ schedule: LoadSchedule, _ viewers: Viewers?) async -> OpenLoop.Outcome {
        let begin = ContinuousClock.now
        return await OpenLoop(schedule: schedule, connections: connections).run { number in
            let agent = number % fleet.size
            let isIn = (number / fleet.size).isMultiple(of: 2)
            viewers?.expect(fleet.agentID(agent), shift: isIn ? "in" : "out", due: begin + schedule.due(number))
            return await post(isIn ? "clock_in" : "clock_out", agent: agent, id: "\(run)-\(number)")
        }
    }

    /// Everybody clocks in once; measures when the engine hears of it.
    ///
    /// Both ends read this machine's clocks, so simulator and rehearsal must run on the same one.
    func act(_ schedule: LoadSchedule) async throws -> [RehearsalReport.Line] {
        guard let simulator = fleet.simulator else {
            throw RemoteService.Failure(description: "this needs --simulator")
        }
        try await fleet.bring("clock_out", until: "STOPPED", run: run, within: patience)
        try await ContinuousClock().sleep(for: Self.restAfterStops)
        let firstCall = try await simulator.read("/_sim/calls?limit=0", as: Calls.self).total
        let begin = Date().timeIntervalSince1970
        let outcome = await OpenLoop(schedule: schedule, connections: connections).run { number in
            await post("clock_in", agent: number, id: "\(run)-in-\(number)")
        }
        let starts = try await firstStarts(since: firstCall, count: schedule.count)
        var latency = LatencyHistogram()
        for (number, start) in starts {
            let due =
                begin + Double(schedule.due(number).components.seconds)
                + Double(schedule.due(number).components.attoseconds) / 1e18
            latency.record(.microseconds(start - Int64(due * 1e6)))
        }
        return [
            RehearsalReport.Line("event to answer", outcome),
            RehearsalReport.Line(
                "event to engine's start call",
                latency: latency,
                failures: schedule.count - latency.count
            ),
        ]
    }

    /// A share of the running sessions stops by itself; measures how long a sweep takes to have them running again.
    func sweep(drift: Int) async throws -> [RehearsalReport.Line] {
        struct Strike: Encodable {
            var kind = "self_stop"
            var scope: [String]
        }
        guard let simulator = fleet.simulator else {
            throw RemoteService.Failure(description: "this needs --simulator")
        }
        try await fleet.bring("clock_in", until: "WORKING", run: run, within: patience)
        let step = max(1, fleet.size / max(1, drift))
        let struck = stride(from: 0, to: fleet.size, by: step).prefix(drift).map(fleet.instanceID)
        try await simulator.call(.post, "/_sim/faults", Strike(scope: Array(struck)))
        let firstCall = try await simulator.read("/_sim/calls?limit=0", as: Calls.self).total
        let clock = ContinuousClock()
        let begin = (wall: Date().timeIntervalSince1970, real: clock.now)
        var isDone = false
        while !isDone, clock.now - begin.real < patience {
            let answer = try await fleet.rollcall.send(
                .post,
                "/v1/engines/\(fleet.account)/sweep?wait=60",
                body: ByteBuffer(),
                timeout: .seconds(90)
            )
            guard answer.isSuccess else { throw RemoteService.Failure(description: "sweep: HTTP \(answer.status)") }
            isDone = answer.status == 200
        }
        var whole = LatencyHistogram()
        whole.record(clock.now - begin.real)
        var repaired = LatencyHistogram()
        for (_, start) in try await firstStarts(since: firstCall, count: struck.count) {
            repaired.record(.microseconds(start - Int64(begin.wall * 1e6)))
        }
        return [
            RehearsalReport.Line("whole sweep of \(fleet.size)", latency: whole, failures: isDone ? 0 : 1),
            RehearsalReport.Line(
                "drift to engine's start call",
                latency: repaired,
                failures: max(0, struck.count - repaired.count)
            ),
        ]
    }

    private func post(_ kind: String, agent: Int, id: String) async -> Bool {
        let event = Event(eventID: id, agentID: fleet.agentID(agent), kind: kind)
        // A failure is counted by the caller.
        return (try? await fleet.rollcall.call(.post, "/v1/clock-events", event)) != nil
    }

    /// A page of the simulator's call log.
    private struct Calls: Decodable {
        struct Call: Decodable {
            var operation: String
            var instanceId: String
            var receivedAtUs: Int64
        }
        var total: Int
        var next: Int
        var calls: [Call]
    }

    /// When the engine first heard of a start of each agent, in microseconds since 1970.
    ///
    /// - Returns: fewer than `count` when patience ended.
    private func firstStarts(since number: Int, count: Int) async throws -> [Int: Int64] {
        guard let simulator = fleet.simulator else { return [:] }
        let clock = ContinuousClock()
        let end = clock.now + patience
        var starts: [Int: Int64] = [:]
        var next = number
        while starts.count < count, clock.now < end {
            let page = try await simulator.read("/_sim/calls?since=\(next)", as: Calls.self)
            for call in page.calls where ["start", "restart"].contains(call.operation) {
                if let agent = fleet.number(ofInstance: call.instanceId), starts[agent] == nil {
                    starts[agent] = call.receivedAtUs
                }
            }
            next = page.next
            if page.calls.isEmpty { try await clock.sleep(for: .milliseconds(100)) }
        }
        return starts
    }
}
