import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import Service

/// Posts alerts: to a public address, or to a host that a setting names, and to the very address that was checked.
///
/// Every try resolves the name anew and connects to what it found, so a name that turns to another address in between leads
/// nowhere. A redirect is an answer and is not followed; of an answer's body nothing is used.
struct AlertClient: AlertReceiver {
    /// How long one try may take, the resolving included.
    static let timeout = Duration.seconds(10)

    private let target: AlertTarget
    private let timeout: Duration
    private let lookUp: @Sendable (String) -> [HostAddresses.Address]

    /// `timeout`: how long one try may take, and `lookUp`: how names are looked up; others than the usual only in tests.
    init(
        _ target: AlertTarget,
        timeout: Duration = Self.timeout,
        lookUp: @escaping @Sendable (String) -> [HostAddresses.Address] = HostAddresses.lookUp
    ) {
        self.target = target
        self.timeout = timeout
        self.lookUp = lookUp
    }

    func post(_ body: [UInt8], headers: [(name: String, value: String)]) async -> AlertOutcome {
        await withTaskGroup(of: AlertOutcome.self) { group in
            group.addTask { await attempt(body, headers) }
            group.addTask {
                try? await Task.sleep(for: timeout)  // Cancelled: the try ended first.
                return .timedOut
            }
            let outcome = await group.next() ?? .timedOut
            group.cancelAll()
            return outcome
        }
    }

    private func attempt(_ body: [UInt8], _ headers: [(name: String, value: String)]) async -> AlertOutcome {
        let addresses = await HostAddresses.resolve(target.host, by: lookUp)
        guard let address = addresses.first else { return .unresolved }
        // One forbidden address among public ones is no accident.
        guard target.isAllowed || addresses.allSatisfy({ isPublicAddress($0.bytes) }) else { return .forbiddenAddress }
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.httpVersion = .http1Only
        configuration.timeout.connect = .seconds(5)
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.decompression = .disabled
        configuration.dnsOverride = [target.host: address.text]
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        let outcome = await send(body, headers, client)
        try? await client.shutdown()  // Its one connection is done with.
        return outcome
    }

    private func send(
        _ body: [UInt8],
        _ headers: [(name: String, value: String)],
        _ client: HTTPClient
    ) async -> AlertOutcome {
        var request = HTTPClientRequest(url: target.url)
        request.method = .POST
        for header in headers { request.headers.add(name: header.name, value: header.value) }
        request.headers.add(name: "user-agent", value: "rollcall/\(Release.version)")
        request.headers.add(name: "connection", value: "close")
        request.body = .bytes(ByteBuffer(bytes: body))
        do {
            let response = try await client.execute(request, timeout: .seconds(9))
            return .answered(status: Int(response.status.code))
        } catch let error as HTTPClientError where Self.timeouts.contains(error) {
            return .timedOut
        } catch {
            return .unreachable
        }
    }

    private static let timeouts: [HTTPClientError] = [
        .deadlineExceeded, .connectTimeout, .readTimeout, .writeTimeout, .getConnectionFromPoolTimeout,
    ]
}
