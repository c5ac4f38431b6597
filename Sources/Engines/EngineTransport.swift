import AsyncHTTPClient
import Domain
import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Makes an engine's HTTP calls and says what came of them; the same for every engine.
///
/// Thousands of calls a second pass here.
struct EngineTransport: Sendable {
    private let redaction: Redaction
    private let timeout: TimeAmount
    private let client: HTTPClient

    init(_ account: EngineAccount, client: HTTPClient) {
        redaction = Redaction(token: account.token)
        timeout = .microseconds(account.timeout.microseconds)
        self.client = client
    }

    /// Makes one call.
    ///
    /// - Parameters:
    ///   - call: what the request asks for.
    ///   - request: `nil` when none can carry the instance id.
    ///   - departure: until when it may leave, and who is told that it has.
    /// - Returns: what came of it.
    func send(_ call: EngineCall, _ request: HTTPClient.Request?, _ departure: CallDeparture) async -> EngineAnswer {
        guard !Task.isCancelled else { return EngineAnswer(verdict: .ambiguous, detail: "cancelled") }
        guard let request else {
            return EngineAnswer(verdict: .permanent, detail: "no request can carry the instance id")
        }
        let collector = ReplyCollector(departure)
        do {
            return answer(to: call, try await reply(to: request, collector))
        } catch {
            return answer(to: call, failure: error, collector)
        }
    }

    /// Makes a call whose answer lists sessions.
    func list(_ request: HTTPClient.Request, _ departure: CallDeparture) async -> SessionList {
        guard !Task.isCancelled else { return SessionList(EngineAnswer(verdict: .ambiguous, detail: "cancelled")) }
        let collector = ReplyCollector(departure, list: ListReader(redaction: redaction))
        do {
            let reply = try await reply(to: request, collector)
            guard (200..<300).contains(reply.httpStatus), let reader = collector.list else {
                return SessionList(answer(to: .info, reply))
            }
            guard reader.isAtEnd else {
                return SessionList(
                    EngineAnswer(
                        verdict: .verify,
                        httpStatus: reply.httpStatus,
                        detail: "the answer is no list of sessions"
                    )
                )
            }
            return SessionList(EngineAnswer(verdict: .ok, httpStatus: reply.httpStatus), statuses: reader.statuses)
        } catch is ListReader.TooLong {
            return SessionList(
                EngineAnswer(verdict: .ok, httpStatus: collector.partialReply?.httpStatus),
                statuses: collector.list?.statuses ?? [:],
                isWhole: false
            )
        } catch {
            return SessionList(answer(to: .info, failure: error, collector))
        }
    }

    /// Makes a call whose answer is for a person's eyes alone.
    ///
    /// - Parameters:
    ///   - request: `nil` when none can carry the instance id.
    ///   - departure: until when it may leave, and who is told that it has.
    ///   - read: what the body of a success offers; `nil` when it is nothing usable.
    /// - Returns: what it offers, or why not; no word of the body of a success.
    func pairing(
        _ request: HTTPClient.Request?,
        _ departure: CallDeparture,
        reading read: ([UInt8]) -> PairingAnswer?
    ) async -> PairingAnswer {
        guard !Task.isCancelled else { return .refused(EngineAnswer(verdict: .ambiguous, detail: "cancelled")) }
        guard let request else {
            return .refused(EngineAnswer(verdict: .permanent, detail: "no request can carry the instance id"))
        }
        let collector = ReplyCollector(departure)
        do {
            let reply = try await reply(to: request, collector)
            guard (200..<300).contains(reply.httpStatus) else { return .refused(answer(to: .info, reply)) }
            // Not even an excerpt: the body may hold half an offer.
            let unusable = EngineAnswer(
                verdict: .verify,
                httpStatus: reply.httpStatus,
                detail: "the answer offers nothing usable"
            )
            return read(reply.body) ?? .refused(unusable)
        } catch {
            return .refused(answer(to: .info, failure: error, collector))
        }
    }

    private func reply(to request: HTTPClient.Request, _ collector: ReplyCollector) async throws -> Reply {
        let task = client.execute(request: request, delegate: collector, deadline: .now() + timeout)
        if let remaining = collector.departure.remaining { Self.watch(task, collector, remaining) }
        defer { collector.end() }
        return try await withTaskCancellationHandler {
            try await task.get()
        } onCancel: {
            task.cancel()
        }
    }

    /// How often a call that waits for a connection asks whether it still may leave: so soon it notices that it may not.
    private static let watchStep: Duration = .milliseconds(100)

    /// Takes a call back that still waits for a connection when it may leave no longer.
    ///
    /// All calls and connections of an account are of one event loop (``HTTPClient/engine(concurrency:)``), so nothing leaves between
    /// the question and the cancellation.
    private static func watch(
        _ task: HTTPClient.Task<Reply>,
        _ collector: ReplyCollector,
        _ remaining: @escaping @Sendable () -> Duration
    ) {
        guard collector.isWaiting else { return }
        let time = min(max(.zero, remaining()), watchStep)
        task.eventLoop.scheduleTask(in: .microseconds(time.microseconds)) {
            guard collector.isWaiting else { return }
            if remaining() > .zero { return watch(task, collector, remaining) }
            collector.takeBack()
            task.cancel()
        }
    }

    private func answer(to call: EngineCall, _ reply: Reply) -> EngineAnswer {
        classify(
            call: call,
            httpStatus: reply.httpStatus,
            body: reply.body,
            retryAfter: reply.retryAfter.flatMap { field in
                retryAfter(field, now: reply.date.flatMap { Timestamp(httpDate: $0) } ?? currentTime())
            },
            redaction: redaction
        )
    }

    private func answer(to call: EngineCall, failure: any Error, _ collector: ReplyCollector) -> EngineAnswer {
        if collector.isTakenBack { return EngineAnswer(verdict: .notSent, detail: "taken back before it left") }
        let partial = collector.partialReply
        if failure is ReplyCollector.TooLarge, let partial, !(200..<300).contains(partial.httpStatus) {
            return answer(to: call, partial)
        }
        return EngineAnswer(
            verdict: verdict(of: failure, wasSent: collector.wasSent),
            httpStatus: partial?.httpStatus,
            detail: failure is ReplyCollector.TooLarge ? "the answer is too large" : redaction.excerpt("\(failure)")
        )
    }

    /// Whether a failed call can have had an effect.
    ///
    /// The time-out and a cancellation reach us on another thread than the note that the request was
    /// sent, so with those two the note may still be on its way and proves nothing. All other failures
    /// come by the same way, after it.
    private func verdict(of failure: any Error, wasSent: Bool) -> EngineVerdict {
        switch failure as? HTTPClientError {
        case .deadlineExceeded?, .cancelled?: .ambiguous
        default: wasSent ? .ambiguous : .unreachable
        }
    }
}

/// The system's clock; only read to turn a `Retry-After` date into a wait.
private func currentTime() -> Timestamp {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return Timestamp(microseconds: Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1000)
}
