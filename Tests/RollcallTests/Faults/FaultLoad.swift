import Domain
import Foundation
import Synchronization

/// Senders that clock agents in and out while things break: each posts one event after the other, and each event until
/// somebody takes it, as a sender must that was told nothing.
final class FaultLoad: Sendable {
    /// How long a sender waits for an answer before it asks another replica.
    static let patience: Duration = .seconds(4)
    /// Between two tries of the same event.
    static let retryPause: Duration = .milliseconds(100)
    /// Between the two events of a pair that comes backwards, in microseconds: less than any sender's pause.
    private static let pairSpan: Int64 = 20_000

    private struct State {
        var ports: [(replica: Int, port: Int)] = []
        var attempts: [History.Attempt] = []
        var taken = 0
        /// Grows with every try, so that replicas take turns.
        var turn = 0
        var isOver = false
        var failure: String?
    }

    private let state = Mutex(State())

    /// The replicas that senders know of from now on, as a load balancer's list.
    func use(_ replicas: [(replica: Int, port: Int)]) {
        state.withLock { $0.ports = replicas }
    }

    /// Every time an event was posted so far.
    var attempts: [History.Attempt] { state.withLock { $0.attempts } }

    /// The attempts that were made and answered within a time.
    func attempts(from start: Int64, to end: Int64 = .max) -> [History.Attempt] {
        attempts.filter { attempt in attempt.sentAt > start && attempt.answeredAt < end }
    }

    /// How many events were answered 2xx so far.
    var taken: Int { state.withLock { $0.taken } }

    /// What no sender should ever hear.
    var failure: String? { state.withLock { $0.failure } }

    /// Whether ``stop()`` was called.
    var isOver: Bool { state.withLock { $0.isOver } }

    /// Lets every sender end once its event is taken.
    func stop() {
        state.withLock { $0.isOver = true }
    }

    /// Clocks an agent in and out again and again until ``stop()``.
    ///
    /// `pause`: between two events.
    func run(_ agent: String, pause: Duration) async {
        var number = 0
        while !isOver, !Task.isCancelled {
            number += 1
            let now = Self.now()
            let event = History.Event(
                id: "\(agent)-\(number)",
                agent: agent,
                kind: number % 2 == 1 ? "clock_in" : "clock_out",
                occurredAt: now
            )
            await post(event)
            // The pace of the load, not a wait for something to happen.
            try? await Task.sleep(for: pause)  // Cancelled: the loop ends.
        }
    }

    /// The same in pairs, of which the later event is posted first: by arrival the agent would be left where the earlier one says.
    ///
    /// ``stop()`` leaves no pair half posted.
    func runBackwards(_ agent: String, pause: Duration) async {
        var number = 0
        while !isOver, !Task.isCancelled {
            number += 1
            let kinds = number % 2 == 1 ? ["clock_in", "clock_out"] : ["clock_out", "clock_in"]
            let later = Self.now()
            for (kind, occurredAt) in zip(kinds, [later - Self.pairSpan, later]).reversed() {
                let id = "\(agent)-\(number)-\(kind)"
                await post(History.Event(id: id, agent: agent, kind: kind, occurredAt: occurredAt))
            }
            try? await Task.sleep(for: pause)  // As above.
        }
    }

    /// Posts an event until it is taken.
    ///
    /// `replica`: the only one it is posted to; `nil` for all in turn.
    func post(_ event: History.Event, to replica: Int? = nil) async {
        while !Task.isCancelled {
            if await tryOnce(event, replica) { return }
            try? await Task.sleep(for: Self.retryPause)  // As above.
        }
    }

    private func tryOnce(_ event: History.Event, _ replica: Int?) async -> Bool {
        let target = state.withLock { state -> (replica: Int, port: Int)? in
            if let replica { return state.ports.first { $0.replica == replica } }
            state.turn += 1
            return state.ports.isEmpty ? nil : state.ports[state.turn % state.ports.count]
        }
        guard let target else { return false }
        let occurred = Timestamp(microseconds: event.occurredAt).rfc3339
        let body = """
            {"event_id":"\(event.id)","agent_id":"\(event.agent)","kind":"\(event.kind)","occurred_at":"\(occurred)",\
            "phone":"+\(FaultRun.phone)"}
            """
        let sentAt = Self.now()
        let http = PlainHTTP(port: target.port, patience: Self.patience)
        let headers = ["Authorization": "Bearer \(Installation.adminKey)", "Content-Type": "application/json"]
        // No answer is an answer too: the attempt is noted without a status.
        let answer = try? await http.send("POST", "/v1/clock-events", headers: headers, body: Array(body.utf8))
        var made = History.Attempt(
            event: event,
            replica: target.replica,
            sentAt: sentAt,
            answeredAt: Self.now(),
            status: answer?.status
        )
        made.isCalledOff = answer == nil && Task.isCancelled
        if made.isTaken { made.sequence = (try? answer?.decoded(ReceiptView.self))?.sequence }
        note(made, answer)
        return made.isTaken
    }

    private func note(_ attempt: History.Attempt, _ answer: Answer?) {
        state.withLock { state in
            state.attempts.append(attempt)
            if attempt.isTaken { state.taken += 1 }
            guard let status = attempt.status, !attempt.isTaken, status != 503 else { return }
            state.failure = "\(status) \(answer?.text.prefix(400) ?? "")"
        }
    }

    /// Microseconds of the wall clock.
    static func now() -> Int64 { Int64(Date().timeIntervalSince1970 * 1_000_000) }
}
