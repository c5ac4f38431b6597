import AsyncHTTPClient
package import Domain
import NIOHTTP1

extension WAHAEngine: PairingEngine {
    /// WAHA has no page to hand out, so no links.
    package func pairing(
        _ wish: PairingWish,
        of session: SessionAddress,
        departure: CallDeparture
    ) async -> PairingAnswer {
        switch wish {
        case .qr:
            await transport.pairing(requests.qr(session.instanceID), departure, reading: PairingReply.wahaPicture)
        case .code(let number):
            await transport.pairing(
                requests.code(session.instanceID, phoneNumber: number),
                departure,
                reading: PairingReply.code
            )
        case .link, .newLink: .notOffered
        }
    }
}

extension WAHARequests {
    /// Source: WAHA's OpenAPI file, 2026.7.1, `GET /api/{session}/auth/qr`.
    func qr(_ session: String) -> HTTPClient.Request? {
        authURL(session).flatMap {
            try? HTTPClient.Request(url: $0 + "/qr?format=image", method: .GET, headers: headers)
        }
    }

    /// Source: WAHA's OpenAPI file, 2026.7.1, `POST /api/{session}/auth/request-code`.
    func code(_ session: String, phoneNumber: String) -> HTTPClient.Request? {
        var headers = headers
        headers.add(name: "content-type", value: "application/json")
        let body = HTTPClient.Body.string("{\"phoneNumber\":\"\(jsonEscaped(phoneNumber))\"}")
        return authURL(session).flatMap {
            try? HTTPClient.Request(url: $0 + "/request-code", method: .POST, headers: headers, body: body)
        }
    }

    /// `nil` when the session's name cannot be part of a path.
    private func authURL(_ session: String) -> String? {
        guard !session.isEmpty, session != ".", session != ".." else { return nil }
        return "\(accountURL)/\(percentEncoded(session))/auth"
    }
}
