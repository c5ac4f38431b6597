/// What a caller can ask of an engine; the raw value is the word in the call log and in a fault's scope.
package enum Operation: String, Sendable, Codable, CaseIterable {
    case info, start, stop, restart
    case create, logout, delete, me
    case webhookGet = "webhook_get"
    case webhookSet = "webhook_set"
    case rateLimitGet = "rate_limit_get"
    case rateLimitSet = "rate_limit_set"
    case linkGet = "temp_link_get"
    case linkCreate = "temp_link_create"
    case linkDelete = "temp_link_delete"
    case qrImage = "qr_image"
    case qr
    case requestCode = "request_code"
    // WAHA's alone.
    case list, update, ping, health
    case serverVersion = "server_version"
    case serverStatus = "server_status"

    enum Route {
        case operation(Operation)
        case wrongMethod
        case unknown
    }

    /// What a method and path ask of Wawp.
    static func route(method: String, path: Substring) -> Route {
        guard let methods = table[path] else { return .unknown }
        return methods[method].map { .operation($0) } ?? .wrongMethod
    }

    private static let table: [Substring: [String: Operation]] = [
        "/v2/session/info": ["POST": .info, "GET": .info],
        "/v2/session/start": ["POST": .start, "GET": .start],
        "/v2/session/stop": ["POST": .stop, "GET": .stop],
        "/v2/session/restart": ["POST": .restart, "GET": .restart],
        "/v2/session/create": ["POST": .create],
        "/v2/session/logout": ["POST": .logout, "GET": .logout],
        "/v2/session/delete": ["DELETE": .delete],
        "/v2/session/me": ["GET": .me],
        "/v2/session/webhook": ["GET": .webhookGet, "POST": .webhookSet],
        "/v2/session/rate-limit": ["GET": .rateLimitGet, "PATCH": .rateLimitSet],
        "/v2/session/temp-link": ["GET": .linkGet, "POST": .linkCreate, "DELETE": .linkDelete],
        "/v2/auth/qr-image": ["POST": .qrImage],
        "/v2/auth/qr": ["POST": .qr],
        "/v2/auth/request-code": ["POST": .requestCode],
    ]
}
