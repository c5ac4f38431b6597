package import AsyncHTTPClient
package import Domain
import NIOHTTP1

extension EngineKind {
    package static let waha = EngineKind(
        "waha",
        addedPath: WAHARequests.addedPath,
        // Its servers take the key from the query as well, where access logs keep it: not from us.
        tokenPlacements: [.header],
        // Source: WAHA's docs, "Events".
        webhookSignature: WebhookSignature(header: "X-Webhook-Hmac", hash: .sha512),
        make: WAHAEngine.init
    )
}

/// WAHA over HTTP: one server and key, the four calls we make, and the list of its sessions.
///
/// A session is called by its name, which is our instance id.
package struct WAHAEngine: ListingEngine {
    let requests: WAHARequests
    let transport: EngineTransport

    /// - Parameters:
    ///   - account: where to call and with what.
    ///   - client: whoever made it shuts it down, after the last call has ended.
    /// - Throws: ``EngineAccountError`` when the account's settings cannot work.
    package init(_ account: EngineAccount, client: HTTPClient) throws(EngineAccountError) {
        requests = try WAHARequests(account)
        transport = EngineTransport(account, client: client)
    }

    package func send(
        _ call: EngineCall,
        to session: SessionAddress,
        departure: CallDeparture
    ) async -> EngineAnswer {
        await transport.send(call, requests.request(call, session: session.instanceID), departure)
    }

    package func list(departure: CallDeparture) async -> SessionList {
        await transport.list(requests.list, departure)
    }
}

extension WAHAEngine: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Says what it is and nothing more; the requests inside hold the key.
    package var description: String { "WAHA engine" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// Builds the HTTP request of a call to WAHA.
///
/// Source: WAHA's OpenAPI file, 2026.7.1; docs, "Sessions" and "Security".
struct WAHARequests: Sendable {
    static let addedPath = "/api"

    /// The request that lists every session.
    ///
    /// Without `all=true` WAHA leaves out the stopped ones. Source: docs, "Sessions".
    let list: HTTPClient.Request
    /// What every session's address begins with.
    private let sessionsURL: String
    /// What the address of everything else about a session begins with.
    let accountURL: String
    let headers: HTTPHeaders

    /// - Throws: when the account's settings cannot make a request.
    init(_ account: EngineAccount) throws(EngineAccountError) {
        accountURL = try account.checkedBaseURL(addedPath: Self.addedPath) + Self.addedPath
        sessionsURL = accountURL + "/sessions"
        headers = HTTPHeaders([
            ("accept", "application/json"), ("user-agent", "rollcall"), ("x-api-key", account.token),
        ])
        do {
            list = try HTTPClient.Request(url: sessionsURL + "?all=true", method: .GET, headers: headers)
        } catch {
            throw .baseURL
        }
    }

    /// The request for one call.
    ///
    /// - Returns: `nil` when the session's name cannot be part of a path: an empty one would name the list, and dots another
    ///   address.
    func request(_ call: EngineCall, session: String) -> HTTPClient.Request? {
        guard !session.isEmpty, session != ".", session != ".." else { return nil }
        let url = sessionsURL + "/" + percentEncoded(session)
        // The base URL was checked and the name is encoded, so a failure here cannot happen; a call that
        // was not sent is the honest answer if it does.
        return switch call {
        case .info: try? HTTPClient.Request(url: url, method: .GET, headers: headers)
        case .start: try? HTTPClient.Request(url: url + "/start", method: .POST, headers: headers)
        case .stop: try? HTTPClient.Request(url: url + "/stop", method: .POST, headers: headers)
        case .restart: try? HTTPClient.Request(url: url + "/restart", method: .POST, headers: headers)
        }
    }
}
