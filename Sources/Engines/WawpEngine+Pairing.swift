import AsyncHTTPClient
package import Domain
import NIOHTTP1

extension WawpEngine: PairingEngine {
    package func pairing(
        _ wish: PairingWish,
        of session: SessionAddress,
        departure: CallDeparture
    ) async -> PairingAnswer {
        let request = requests.request(wish, instanceID: session.instanceID)
        return switch wish {
        case .qr: await transport.pairing(request, departure, reading: PairingReply.wawpPicture)
        case .code: await transport.pairing(request, departure, reading: PairingReply.code)
        case .link, .newLink: await transport.pairing(request, departure, reading: PairingReply.link)
        }
    }
}

extension WawpRequests {
    /// The request of a pairing read.
    ///
    /// Of links Wawp's page shows the instance and the token in the query alone. Source: Wawp, "QR Image", "Request Code",
    /// "Temp Link".
    ///
    /// - Returns: `nil` when no request can carry the instance id.
    func request(_ wish: PairingWish, instanceID: String) -> HTTPClient.Request? {
        var members = [("instance_id", instanceID)]
        if placement == .body || placement == .query { members.append(("access_token", token)) }
        let path: String
        var isInQuery = placement == .query
        switch wish {
        case .qr: path = "/auth/qr-image"
        case .code(let phoneNumber):
            path = "/auth/request-code"
            members.append(("phone_number", phoneNumber))
        case .link, .newLink:
            path = "/session/temp-link"
            isInQuery = true
        }
        var headers = headers
        if placement == .bearer {
            guard instanceID.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else { return nil }
            headers.add(name: "x-instance-id", value: instanceID)
        }
        var url = baseURL + Self.addedPath + path
        var body: HTTPClient.Body?
        if isInQuery {
            url += "?" + members.map { "\($0.0)=\(percentEncoded($0.1))" }.joined(separator: "&")
        } else {
            headers.add(name: "content-type", value: "application/json")
            body = .string("{" + members.map { "\"\($0.0)\":\"\(jsonEscaped($0.1))\"" }.joined(separator: ",") + "}")
        }
        // The base URL was checked and the rest is encoded, so a failure here cannot happen.
        return try? HTTPClient.Request(url: url, method: wish == .link ? .GET : .POST, headers: headers, body: body)
    }
}
