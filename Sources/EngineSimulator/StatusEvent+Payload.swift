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
        case .waha: [waha]
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

    /// The envelope of WAHA's page on events.
    private var waha: ByteBuffer {
        var body = ByteBuffer(
            string:
                "{\"id\":\"evt_\(eventID)\",\"timestamp\":\(at.microseconds / 1000),\"event\":\"session.status\",\"session\":"
        )
        body.writeJSON(instanceID)
        body.writeStaticString(",\"metadata\":{},\"me\":")
        body.writeImmutableBuffer(ContractReply.wahaOwner(status).body)
        body.writeStaticString(",\"payload\":{\"name\":")
        body.writeJSON(instanceID)
        body.writeStaticString(",\"status\":")
        body.writeJSON(status.word)
        body.writeStaticString(",\"statuses\":[")
        for (index, step) in recent.enumerated() {
            body.writeString("\(index > 0 ? "," : ""){\"status\":")
            body.writeJSON(step.status.word)
            body.writeString(",\"timestamp\":\(step.at.microseconds / 1000)}")
        }
        body.writeStaticString(
            """
            ],"data":null},"engine":"NOWEB","environment":{"version":"2026.7.1","engine":"NOWEB","tier":"CORE",\
            "browser":null,"platform":"linux/x86","worker":{"id":"waha1"}}}
            """
        )
        return body
    }

    /// 26 characters, in the order of the events.
    var eventID: String {
        let digits = hex(UInt64(number), digits: 16).lowercased()
        return "01j0000000" + digits
    }
}

/// The headers that prove a delivery.
///
/// Source: Wawp: vendor's Python SDK, `webhooks.py`; the header's name is documented nowhere. WAHA: docs, "Events".
func proof(of body: ByteBuffer, form: WebhookSettings.Form, key: String) -> [(name: String, value: String)] {
    switch form {
    case .current, .older, .both:
        [("x-webhook-signature", signature(of: body, key: key, SHA256.self))]
    case .waha:
        [("x-webhook-hmac", signature(of: body, key: key, SHA512.self)), ("x-webhook-hmac-algorithm", "sha512")]
    }
}

/// The HMAC of a body in lower-case hexadecimal.
private func signature<Hash: HashFunction>(of body: ByteBuffer, key: String, _ hash: Hash.Type) -> String {
    let code = HMAC<Hash>.authenticationCode(for: body.readableBytesView, using: SymmetricKey(data: Array(key.utf8)))
    return code.map { hex(UInt64($0), digits: 2).lowercased() }.joined()
}
