package import AsyncHTTPClient
package import Domain
import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Wawp over HTTP: one account, the four calls we make.
///
/// Thousands of calls a second pass here. Use one client per account, made by ``makeClient(concurrency:)``.
package struct WawpEngine: SessionEngine {
    private let requests: WawpRequests
    private let redaction: Redaction
    private let timeout: TimeAmount
    private let client: HTTPClient

    /// - Parameters:
    ///   - account: where to call and with what.
    ///   - client: whoever made it shuts it down, after the last call has ended.
    /// - Throws: ``WawpAccountError`` when the account's settings cannot work.
    package init(_ account: WawpAccount, client: HTTPClient) throws(WawpAccountError) {
        requests = try WawpRequests(account)
        redaction = Redaction(token: account.token)
        timeout = .microseconds(account.timeout.microseconds)
        self.client = client
    }

    /// A client fit for one account.
    ///
    /// It follows no redirect (one could turn a stop into something else), unpacks nothing (a small body
    /// could grow without bound), and does not hide failed connections by trying again: the caller
    /// decides about that.
    ///
    /// - Parameter concurrency: the account's calls at a time; as many connections stay open.
    /// - Returns: the client; who asked for it shuts it down.
    package static func makeClient(concurrency: Int) -> HTTPClient {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.decompression = .disabled
        configuration.httpVersion = .http1Only
        configuration.timeout.connect = .seconds(5)
        // Shorter than the 60 to 75 s after which common proxies close: a connection that the other side
        // just closed costs a call an unknown outcome.
        configuration.connectionPool.idleTimeout = .seconds(30)
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = max(concurrency, 1)
        configuration.connectionPool.retryConnectionEstablishment = false
        // One event loop for an account: a call that starts on one and has its connection on another costs a fifth more.
        let eventLoop = Self.eventLoops.next()
        return HTTPClient(eventLoopGroupProvider: .shared(eventLoop), configuration: configuration)
    }

    /// For calls alone, so that none waits behind requests that our own server reads; lives as long as the process.
    private static let eventLoops = MultiThreadedEventLoopGroup(numberOfThreads: max(1, System.coreCount / 2))

    package func send(_ call: EngineCall, to session: SessionAddress) async -> EngineAnswer {
        guard !Task.isCancelled else { return EngineAnswer(verdict: .ambiguous, detail: "cancelled") }
        guard let request = requests.request(call, instanceID: session.instanceID) else {
            return EngineAnswer(verdict: .permanent, detail: "the instance id cannot be sent in a header")
        }
        let collector = ReplyCollector()
        let task = client.execute(request: request, delegate: collector, deadline: .now() + timeout)
        do {
            let reply = try await withTaskCancellationHandler {
                try await task.get()
            } onCancel: {
                task.cancel()
            }
            return answer(to: call, reply)
        } catch {
            return answer(to: call, failure: error, collector)
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

extension WawpEngine: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Says what it is and nothing more; the requests inside hold the token.
    package var description: String { "Wawp engine" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// The system's clock; only read to turn a `Retry-After` date into a wait.
private func currentTime() -> Timestamp {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return Timestamp(microseconds: Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1000)
}
