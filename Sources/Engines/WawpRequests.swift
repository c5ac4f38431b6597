import AsyncHTTPClient
import Domain
import NIOCore
import NIOHTTP1

/// Builds the HTTP request of a call.
///
/// What is the same for every call of a kind is made once: a URL costs more to parse than all the rest
/// of a request costs to build. Only ``EngineAccount/TokenPlacement/query`` (and info with `header`) have
/// the instance in the URL and so pay for it on each call.
///
/// The token travels as the settings say, since Wawp's pages contradict each other: in the JSON body of a POST, info
/// included (Source: Wawp, "Stop Session", parameter table); in the query, info as GET, commands as POST without a body (the
/// same page, request line); as a bearer token, the instance in `X-Instance-ID` (vendor's Python SDK); in a header
/// `access-token`, the instance in the query of info and in the body of commands (vendor's MCP server).
struct WawpRequests: Sendable {
    static let addedPath = "/v2"

    let baseURL: String
    let token: String
    let placement: EngineAccount.TokenPlacement
    let headers: HTTPHeaders
    /// The requests whose URL is the same for all instances.
    private let templates: [EngineCall: HTTPClient.Request]
    private let bodyStart = "{\"instance_id\":\""
    /// What follows the instance id in a JSON body.
    private let bodyEnd: String

    /// - Throws: when the account's settings cannot make a request.
    init(_ account: EngineAccount) throws(EngineAccountError) {
        baseURL = try account.checkedBaseURL(addedPath: Self.addedPath)
        token = account.token
        placement = account.placement

        var headers = HTTPHeaders([("accept", "application/json"), ("user-agent", "rollcall")])
        switch placement {
        case .body, .query: break
        case .bearer: headers.add(name: "authorization", value: "Bearer \(token)")
        case .header: headers.add(name: "access-token", value: token)
        }
        self.headers = headers
        bodyEnd = placement == .body ? "\",\"access_token\":\"\(jsonEscaped(token))\"}" : "\"}"

        headers.add(name: "content-type", value: "application/json")
        var templates: [EngineCall: HTTPClient.Request] = [:]
        for call in EngineCall.allCases {
            do {
                templates[call] = try HTTPClient.Request(
                    url: baseURL + Self.path(of: call),
                    method: .POST,
                    headers: headers
                )
            } catch {
                throw .baseURL
            }
        }
        self.templates = templates
    }

    /// The request for one call.
    ///
    /// - Returns: `nil` when no request can carry the instance id (a control character in a header).
    func request(_ call: EngineCall, instanceID: String) -> HTTPClient.Request? {
        switch placement {
        case .body:
            return withJSONBody(call, instanceID: instanceID)
        case .header where call != .info:
            return withJSONBody(call, instanceID: instanceID)
        case .header, .query:
            return withQuery(call, instanceID: instanceID)
        case .bearer:
            guard instanceID.utf8.allSatisfy({ (0x20...0x7E).contains($0) }), var request = templates[call]
            else { return nil }
            request.headers.add(name: "x-instance-id", value: instanceID)
            request.body = .string("{}")
            return request
        }
    }

    private func withJSONBody(_ call: EngineCall, instanceID: String) -> HTTPClient.Request? {
        var body = ByteBufferAllocator().buffer(capacity: 64 + instanceID.utf8.count + bodyEnd.utf8.count)
        body.writeString(bodyStart)
        body.writeString(jsonEscaped(instanceID))
        body.writeString(bodyEnd)
        var request = templates[call]
        request?.body = .byteBuffer(body)
        return request
    }

    private func withQuery(_ call: EngineCall, instanceID: String) -> HTTPClient.Request? {
        var url = baseURL
        url += Self.path(of: call)
        url += "?instance_id="
        url += percentEncoded(instanceID)
        if placement == .query {
            url += "&access_token="
            url += percentEncoded(token)
        }
        // The base URL was checked and the rest is encoded, so a failure here cannot happen; a call
        // that was not sent is the honest answer if it does.
        return try? HTTPClient.Request(url: url, method: call == .info ? .GET : .POST, headers: headers)
    }

    private static func path(of call: EngineCall) -> String {
        switch call {
        case .info: addedPath + "/session/info"
        case .start: addedPath + "/session/start"
        case .stop: addedPath + "/session/stop"
        case .restart: addedPath + "/session/restart"
        }
    }
}
