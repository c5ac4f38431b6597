import Domain
import NIOCore

extension ContractReply {
    /// WAHA's own example of an owner; no session here belongs to anybody.
    private static let owner: StaticString = "{\"id\":\"79111111@c.us\",\"pushName\":\"WAHA\"}"

    /// What `me` says: the owner while the session is connected, else nothing.
    static func wahaOwner(_ status: SessionStatus) -> ContractReply {
        status == .working ? .json(200, "\(owner)") : .json(200, "null")
    }
}

extension ByteBuffer {
    /// Appends a session as WAHA describes it.
    mutating func writeWAHA(_ session: SimulatedSession, says status: SessionStatus, behaviour: SimulatorBehaviour) {
        writeStaticString("{\"name\":")
        writeJSON(session.instanceID)
        writeStaticString(",\"status\":")
        writeJSON(behaviour.written(status))
        writeStaticString(",\"config\":{\"proxy\":null,\"webhooks\":[],\"debug\":false},\"me\":")
        writeImmutableBuffer(ContractReply.wahaOwner(status).body)
        writeStaticString(",\"presence\":null,\"timestamps\":{\"activity\":null},\"engine\":{\"engine\":\"NOWEB\"}}")
    }

    /// Appends an error as WAHA words it.
    mutating func writeWAHA(_ error: ContractError, status: Int, message: String, line: RequestLine) {
        switch status {
        case 401:
            writeStaticString("{\"message\":\"Unauthorized\",\"statusCode\":401}")
        case 500:
            writeString("{\"statusCode\":500,\"timestamp\":\"\(Timestamp(microseconds: RealTime.now.wall).rfc3339)\"")
            writeStaticString(",\"exception\":{\"message\":")
            writeJSON(message)
            writeStaticString(",\"name\":\"Error\",\"stack\":\"Error\\n    at SessionManager\"},\"request\":{\"path\":")
            writeJSON(line.path)
            writeStaticString(",\"method\":")
            writeJSON(line.method)
            writeStaticString(
                """
                ,"body":{},"query":{}},"version":{"version":"2026.7.1","engine":"NOWEB","tier":"CORE","browser":null}}
                """
            )
        default:
            writeString("{\"statusCode\":\(status),\"message\":")
            switch error {
            case .unknownSession: writeStaticString("\"Session not found\"")
            case .unknownRoute: writeJSON("Cannot \(line.method) \(line.path)")
            default: writeJSON(message)
            }
            writeStaticString(",\"error\":")
            writeJSON(Self.title(of: status))
            writeStaticString("}")
        }
    }

    private static func title(of status: Int) -> String {
        switch status {
        case 400: "Bad Request"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 422: "Unprocessable Entity"
        case 429: "Too Many Requests"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        default: "Error"
        }
    }
}
