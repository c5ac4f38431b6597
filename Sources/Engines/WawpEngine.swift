package import AsyncHTTPClient
package import Domain

extension EngineKind {
    package static let wawp = EngineKind(
        "wawp",
        addedPath: WawpRequests.addedPath,
        tokenPlacements: [.body, .query, .bearer, .header],
        // Source: Wawp's Python SDK, webhooks.py; the header's name is documented nowhere.
        webhookSignature: WebhookSignature(header: "X-Webhook-Signature", hash: .sha256),
        make: WawpEngine.init
    )
}

/// Wawp over HTTP: one account, the four calls we make.
package struct WawpEngine: SessionEngine {
    let requests: WawpRequests
    let transport: EngineTransport

    /// - Parameters:
    ///   - account: where to call and with what.
    ///   - client: whoever made it shuts it down, after the last call has ended.
    /// - Throws: ``EngineAccountError`` when the account's settings cannot work.
    package init(_ account: EngineAccount, client: HTTPClient) throws(EngineAccountError) {
        requests = try WawpRequests(account)
        transport = EngineTransport(account, client: client)
    }

    package func send(
        _ call: EngineCall,
        to session: SessionAddress,
        departure: CallDeparture
    ) async -> EngineAnswer {
        await transport.send(call, requests.request(call, instanceID: session.instanceID), departure)
    }
}

extension WawpEngine: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Says what it is and nothing more; the requests inside hold the token.
    package var description: String { "Wawp engine" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}
