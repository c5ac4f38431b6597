import Crypto
import Domain
import NIOCore

extension StatusEvent {
    /// The bodies of this event, one for each form that was asked for.
    func payloads(_ form: WebhookSettings.Form, qrImage: String) -> [ByteBuffer] {
        switch form {
        case .current: [current]
        case .older: [older(qrImage: qrImage)]
        case .both: [current, older(qrImage: qrImage)]
        }
    }

    /// The envelope of Wawp's page on `session.status`.
    private var current: ByteBuffer {
        var body = ByteBuffer(string: "{\"id\":\"evt_\(eventID)\",\"timestamp\":\(at.microseconds / 1000),\"session\":")
        body.writeJSON(sessionName)
        body.writeStaticString(
            ",\"metadata\":{},\"engine\":\"NOWEB\",\"event\":\"session.status\",\"payload\":{\"name\":"
        )
        body.writeJSON(sessionName)
        body.writeStaticString(",\"status\":")
        body.writeJSON(status.word)
        body.writeString("},\"me\":{\"id\":\"\(telephone)@c.us\",\"lid\":\"123123@lid\",\"pushName\":")
        body.writeJSON(pushName)
        body.writeStaticString("}}")
        return body
    }

    /// The flat form of Wawp's older pages; it has no event id.
    private func older(qrImage: String) -> ByteBuffer {
        var body = ByteBuffer(string: "{\"instance_id\":")
        body.writeJSON(instanceID)
        body.writeStaticString(",\"status\":")
        body.writeJSON(status.word)
        if status == .scanQRCode { body.writeString(",\"qr\":\"data:image/png;base64,\(qrImage)\"") }
        body.writeString(",\"ts\":\(at.microseconds / 1_000_000)}")
        return body
    }

    /// 26 characters, in the order of the events.
    private var eventID: String {
        let digits = hex(UInt64(number), digits: 16).lowercased()
        return "01j0000000" + digits
    }
}

/// HMAC-SHA256 of a body in lower-case hexadecimal.
///
/// Source: vendor's Python SDK, `webhooks.py`; the header's name is documented nowhere.
func signature(of body: ByteBuffer, key: String) -> String {
    let code = HMAC<SHA256>.authenticationCode(for: body.readableBytesView, using: SymmetricKey(data: Array(key.utf8)))
    return code.map { hex(UInt64($0), digits: 2).lowercased() }.joined()
}
