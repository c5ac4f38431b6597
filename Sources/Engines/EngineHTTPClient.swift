package import AsyncHTTPClient
import NIOCore
import NIOPosix

extension HTTPClient {
    /// A client fit for one engine account.
    ///
    /// It follows no redirect (one could turn a stop into something else), unpacks nothing (a small body
    /// could grow without bound), and does not hide failed connections by trying again: the caller
    /// decides about that.
    ///
    /// - Parameter concurrency: the account's calls at a time; as many connections stay open.
    /// - Returns: the client; who asked for it shuts it down.
    package static func engine(concurrency: Int) -> HTTPClient {
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
        return HTTPClient(eventLoopGroupProvider: .shared(engineEventLoops.next()), configuration: configuration)
    }
}

/// For calls alone, so that none waits behind requests that our own server reads; lives as long as the process.
private let engineEventLoops = MultiThreadedEventLoopGroup(numberOfThreads: max(1, System.coreCount / 2))
