import AsyncHTTPClient
import ClockSources
import FoundationEssentials
import NIOCore
import NIOHTTP1

/// Personio's API, asked for one record at a time: fills the port that deliveries without content need.
///
/// The access token comes from the account's API credentials and is good for a day; it is kept in memory and asked for
/// anew when it is turned down. Source: developer.personio.de/reference/auth, /changelog/authentication-api-improved-bearer-token;
/// the address and members of version 2 are those of public clients.
actor PersonioClient: RecordFetcher {
    /// Where the API is, unless the settings say otherwise.
    static let usualURL = "https://api.personio.de"
    /// How long one request may take, from the connecting to the last byte of the answer.
    static let timeout = Duration.seconds(10)
    /// Bytes of one answer.
    private static let answerLimit = 1_048_576

    private let settings: SourceAPISettings
    private let client: HTTPClient
    private let timeout: Duration
    private var token: String?

    /// `client`: from ``makeClient()``; whoever made it shuts it down.
    ///
    /// `timeout`: how long one request may take; another than the usual only in tests.
    init(_ settings: SourceAPISettings, client: HTTPClient, timeout: Duration = PersonioClient.timeout) {
        self.settings = settings
        self.client = client
        self.timeout = timeout
    }

    /// A client that follows no redirect, which could carry the token elsewhere.
    static func makeClient() -> HTTPClient {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.httpVersion = .http1Only
        configuration.timeout.connect = .seconds(5)
        configuration.timeout.read = TimeAmount(timeout)
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    func record(at path: String) async throws(RecordFetchError) -> [UInt8]? {
        let known = token
        var answer = try await get(path, token: try await currentToken())
        if answer.status == .unauthorized, known != nil {
            // It may have ended before its time; one that was just made is not turned down for that.
            if token == known { token = nil }
            answer = try await get(path, token: try await currentToken())
        }
        if answer.status == .unauthorized { token = nil }
        switch answer.status {
        case .ok: return answer.body
        case .notFound, .gone: return nil
        default: throw Self.error(for: answer.status)
        }
    }

    private func currentToken() async throws(RecordFetchError) -> String {
        if let token { return token }
        var request = HTTPClientRequest(url: "\(settings.url)/v2/auth/token")
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/x-www-form-urlencoded")
        let form = [
            ("grant_type", "client_credentials"), ("client_id", settings.clientID),
            ("client_secret", settings.clientSecret),
        ]
        let body = form.map { "\($0.0)=\(formEncoded($0.1))" }.joined(separator: "&")
        request.body = .bytes(ByteBuffer(string: body))
        let answer = try await send(request)
        guard answer.status == .ok else { throw Self.error(for: answer.status) }
        // What is no token is no answer that can be used; the error's own words could hold one.
        guard let granted = try? JSONDecoder().decode(Grant.self, from: Data(answer.body)), !granted.token.isEmpty
        else { throw RecordFetchError(.rejected) }
        token = granted.token
        return granted.token
    }

    private func get(_ path: String, token: String) async throws(RecordFetchError) -> Answer {
        var request = HTTPClientRequest(url: settings.url + path)
        request.headers.add(name: "Accept", value: "application/json")
        request.headers.add(name: "Authorization", value: "Bearer \(token)")
        return try await send(request)
    }

    /// Sends a request and waits for the whole answer, in time or not at all.
    ///
    /// The client's own deadline ends with the answer's head, so that a body which stalls would never end.
    private func send(_ request: HTTPClientRequest) async throws(RecordFetchError) -> Answer {
        let (client, timeout) = (self.client, self.timeout)
        let outcome = await withTaskGroup(of: Result<Answer, RecordFetchError>.self) { group in
            group.addTask { await Self.attempt(request, client, within: timeout) }
            group.addTask {
                try? await Task.sleep(for: timeout)  // Cancelled: the attempt ended first, or nobody waits any more.
                return .failure(RecordFetchError(.timedOut))
            }
            let outcome = await group.next() ?? .failure(RecordFetchError(.timedOut))
            group.cancelAll()
            return outcome
        }
        return try outcome.get()
    }

    private static func attempt(
        _ request: HTTPClientRequest,
        _ client: HTTPClient,
        within timeout: Duration
    ) async -> Result<Answer, RecordFetchError> {
        var request = request
        request.headers.add(name: "User-Agent", value: "rollcall/\(Release.version)")
        do {
            let response = try await client.execute(request, timeout: TimeAmount(timeout))
            let body = try await response.body.collect(upTo: answerLimit)
            // Whoever is cancelled may see a body end before its time.
            try Task.checkCancellation()
            return .success(Answer(status: response.status, body: Array(body.readableBytesView)))
        } catch let error as HTTPClientError where timeouts.contains(error) {
            return .failure(RecordFetchError(.timedOut))
        } catch is NIOTooManyBytesError {
            return .failure(RecordFetchError(.rejected))
        } catch {
            return .failure(RecordFetchError(.unreachable))
        }
    }

    private static let timeouts: [HTTPClientError] = [
        .deadlineExceeded, .connectTimeout, .readTimeout, .writeTimeout, .getConnectionFromPoolTimeout,
    ]

    private static func error(for status: HTTPResponseStatus) -> RecordFetchError {
        switch status.code {
        case 401, 403: RecordFetchError(.unauthorized)
        case 408: RecordFetchError(.timedOut)
        case 429: RecordFetchError(.rateLimited)
        case 500...: RecordFetchError(.unreachable)
        default: RecordFetchError(.rejected)
        }
    }

    private struct Answer {
        var status: HTTPResponseStatus
        var body: [UInt8]
    }

    private struct Grant: Decodable {
        var token: String

        enum CodingKeys: String, CodingKey {
            case token = "access_token"
        }
    }
}

/// Text as the value of a form's field: everything but letters, digits and `-._~` as `%XX`.
private func formEncoded(_ text: String) -> String {
    let digits = Array("0123456789ABCDEF")
    return text.utf8.reduce(into: "") { encoded, byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            encoded.unicodeScalars.append(Unicode.Scalar(byte))
        default:
            encoded.append("%")
            encoded.append(digits[Int(byte >> 4)])
            encoded.append(digits[Int(byte & 15)])
        }
    }
}
