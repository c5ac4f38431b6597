import Domain
import NIOCore

/// One answer in the engine's words.
struct ContractReply: Sendable {
    enum ContentType: String, Sendable {
        case json = "application/json"
        case xml = "application/xml"
        case plain = "text/plain; charset=utf-8"
        case html = "text/html; charset=utf-8"
        case png = "image/png"
    }

    var status: Int
    var contentType = ContentType.json
    var body = ByteBuffer()
    /// `Retry-After`, as it is to be sent.
    var retryAfter: String?
    /// `Location`, likewise.
    var location: String?

    /// A success with a body of JSON text.
    static func json(_ status: Int = 200, _ text: String) -> ContractReply {
        ContractReply(status: status, body: ByteBuffer(string: text))
    }

    /// The answer that describes a session: the only body Wawp's pages print, with `me` and `qr` where
    /// they say so.
    static func session(
        _ session: SimulatedSession,
        says status: SessionStatus,
        httpStatus: Int,
        showsOwner: Bool,
        qrImage: String,
        behaviour: SimulatorBehaviour
    ) -> ContractReply {
        var body = ByteBuffer()
        body.reserveCapacity(192)
        body.writeStaticString("{\"name\":")
        body.writeJSON(session.name)
        body.writeStaticString(",\"status\":")
        body.writeJSON(behaviour.written(status))
        switch behaviour.configShape {
        case .object: body.writeStaticString(",\"config\":{\"webhooks\":{},\"proxy\":null}")
        case .array: body.writeStaticString(",\"config\":{\"webhooks\":[],\"proxy\":null}")
        }
        if showsOwner, status == .working {
            body.writeStaticString(",\"me\":{\"id\":\"")
            body.writeString(session.telephone)
            body.writeStaticString("@c.us\",\"pushName\":")
            body.writeJSON(session.pushName)
            body.writeStaticString("}")
        }
        if showsOwner, status == .suspect { body.writeStaticString(",\"me\":null") }
        if showsOwner, status == .scanQRCode {
            body.writeStaticString(",\"qr\":\"data:image/png;base64,")
            body.writeString(qrImage)
            body.writeStaticString("\"")
        }
        body.writeStaticString("}")
        return ContractReply(status: httpStatus, body: body)
    }
}

/// The errors of the contracts, in Wawp's words where it has some.
enum ContractError {
    case missingToken, invalidToken, missingInstance, missingPhone
    case quota, subscription
    case unknownSession
    case unknownRoute, wrongMethod
    case tooSoon, upstream, internalError
    case rateLimited
    /// WAHA's answer, passed through.
    case wrongState(String)

    fileprivate var status: Int {
        switch self {
        case .missingToken, .missingInstance, .missingPhone: 400
        case .invalidToken: 401
        case .quota, .subscription: 403
        case .unknownSession, .unknownRoute: 404
        case .wrongMethod: 405
        case .wrongState: 422
        case .rateLimited: 429
        case .internalError: 500
        case .tooSoon, .upstream: 502
        }
    }

    fileprivate var code: String {
        switch self {
        case .missingToken, .missingInstance, .missingPhone: "missing_param"
        case .invalidToken: "invalid_access_token"
        case .quota: "quota_reached"
        case .subscription: "subscription_required"
        case .unknownSession: "invalid_session"
        case .unknownRoute: "not_found"
        case .wrongMethod: "method_not_allowed"
        case .tooSoon, .upstream: "wawp_upstream_error"
        case .internalError: "internal_error"
        case .rateLimited: "rate_limited"
        case .wrongState: "unprocessable"
        }
    }

    fileprivate var message: String {
        switch self {
        case .missingToken: "access_token is required"
        case .missingInstance: "instance_id is required"
        case .missingPhone: "phone_number is required"
        case .invalidToken: "Invalid access token"
        case .quota: "Instance quota reached"
        case .subscription: "Subscription required"
        case .unknownSession: "Session not found. Please verify your instance_id or session_name."
        case .unknownRoute: "No such route"
        case .wrongMethod: "Method not allowed"
        case .tooSoon: "Previous container still shutting down"
        case .upstream: "Connection to upstream failed"
        case .internalError: "Unexpected failure"
        case .rateLimited: "Too many requests"
        case .wrongState(let message): message
        }
    }

    /// The error as the engine words it.
    ///
    /// - Parameters:
    ///   - format: the body's format; documented for each status, but never tied to it.
    ///   - line: what was asked, and in whose contract.
    ///   - other: another HTTP status than the error's own.
    ///   - otherCode: another code.
    ///   - otherMessage: another message.
    /// - Returns: the answer.
    func reply(
        _ format: SimulatorBehaviour.ErrorFormat,
        to line: RequestLine = .wawp,
        status other: Int? = nil,
        code otherCode: String? = nil,
        message otherMessage: String? = nil
    ) -> ContractReply {
        let status = other ?? status
        let code = otherCode ?? code
        let message = otherMessage ?? message
        var body = ByteBuffer()
        switch format {
        case .json:
            switch (line.contract, self) {
            case (.waha, _), (.wawp, .wrongState):
                body.writeWAHA(self, status: status, message: message, line: line)
            case (.wawp, _):
                body.writeStaticString("{\"code\":")
                body.writeJSON(code)
                body.writeStaticString(",\"message\":")
                body.writeJSON(message)
                body.writeStaticString("}")
            }
            return ContractReply(status: status, body: body)
        case .xml:
            // Two root elements on purpose, so that no client learns one shape.
            let inside = "<code>\(xmlEscaped(code))</code><message>\(xmlEscaped(message))</message>"
            body.writeStaticString("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")
            body.writeString(
                status == 400 ? "<response>\(inside)<status>400</status></response>" : "<error>\(inside)</error>"
            )
            return ContractReply(status: status, contentType: .xml, body: body)
        case .plain:
            let missing = status == 400 ? message.split(separator: " ").first.map(String.init) : nil
            body.writeString(missing.map { "Missing required parameter: \($0)" } ?? message)
            return ContractReply(status: status, contentType: .plain, body: body)
        case .html:
            let title = status == 500 ? "Internal Server Error" : message
            body.writeString(
                "<!DOCTYPE html>\n<html><head><title>\(status) \(xmlEscaped(title))</title></head>"
                    + "<body><h1>\(xmlEscaped(title))</h1></body></html>"
            )
            return ContractReply(status: status, contentType: .html, body: body)
        }
    }
}

private func xmlEscaped(_ text: String) -> String {
    text.split(separator: "&", omittingEmptySubsequences: false).joined(separator: "&amp;")
        .split(separator: "<", omittingEmptySubsequences: false).joined(separator: "&lt;")
}
