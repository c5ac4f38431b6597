import Domain
import FoundationEssentials
import NIOCore

/// Everything about a session that neither starts nor stops it.
extension World {
    mutating func performBeside(_ call: ContractCall, _ index: Int, number: Int, now: Timestamp) -> ContractReply {
        let session = sessions[index]
        switch call.operation {
        case .me:
            guard session.isPaired else { return .json(200, "null") }
            var body = ByteBuffer(string: "{\"id\":\"\(session.telephone)@c.us\",\"pushName\":")
            body.writeJSON(session.pushName)
            body.writeStaticString(",\"platform\":\"android\"}")
            return ContractReply(status: 200, body: body)
        case .webhookGet, .webhookSet:
            return webhookRoute(call, index)
        case .rateLimitSet, .rateLimitGet:
            if let policy = call.parameter("policy_slug") { edit(index) { $0.policy = policy } }
            return rateLimit(sessions[index].policy)
        case .linkGet, .linkCreate, .linkDelete:
            return linkRoute(call.operation, index, number: number, now: now)
        case .qrImage, .qr, .requestCode:
            guard session.status == .scanQRCode else { return wrongState(session, name: session.name) }
            return pairingRoute(call, session, now: now)
        case .info, .start, .stop, .restart, .create, .logout, .delete, .list, .update, .ping, .health, .serverVersion,
            .serverStatus:
            return ContractError.internalError.reply(.json)
        }
    }

    /// WAHA's answer to a call that needs another state; it has no `statusCode`.
    func wrongState(_ session: SimulatedSession, name: String) -> ContractReply {
        var body = ByteBuffer(
            string:
                "{\"error\":\"Session status is not as expected. Try again later or restart the session\",\"session\":"
        )
        body.writeJSON(name)
        body.writeStaticString(",\"status\":")
        body.writeJSON(session.status.word)
        body.writeStaticString(",\"expected\":[\"SCAN_QR_CODE\"]}")
        return ContractReply(status: 422, body: body)
    }

    private func pairingRoute(_ call: ContractCall, _ session: SimulatedSession, now: Timestamp) -> ContractReply {
        switch call.operation {
        case .requestCode:
            guard call.parameter("phone_number") != nil else {
                return ContractError.missingPhone.reply(behaviour.errorFormat)
            }
            return .json(200, "{\"code\":\"ABCD-1234\"}")
        case .qr:
            // Wawp's example, expiry included: nobody reads the inside of a code.
            return .json(
                200,
                "{\"mimetype\":\"application/json\",\"data\":\"eyJ2YWx1ZSI6IjJAYWJjIiwiZXhwaXJ5IjoxNzIyMTcwNDIwMDAwfQ==\"}"
            )
        default:
            return .json(200, "{\"qr\":\"data:image/png;base64,\(picture(of: session, now: now))\"}")
        }
    }

    private mutating func linkRoute(_ operation: Operation, _ index: Int, number: Int, now: Timestamp) -> ContractReply
    {
        switch operation {
        case .linkCreate:
            let token = (0..<4).map { hex(mixed(configuration.seed &+ UInt64($0), UInt64(number)), digits: 16) }
                .joined()
            edit(index) { $0.link = (token.lowercased(), now + .seconds(1800)) }
        case .linkDelete:
            edit(index) { $0.link = nil }
        default: break
        }
        guard let link = sessions[index].link, now < link.expires else { return .json(200, "{\"link\":null}") }
        return .json(
            200,
            "{\"link\":\"https://app.wawp.net/temp-qr/\(link.token)\",\"expires_at\":\"\(link.expires.rfc3339)\"}"
        )
    }

    private mutating func webhookRoute(_ call: ContractCall, _ index: Int) -> ContractReply {
        guard behaviour.paid else { return ContractError.subscription.reply(behaviour.errorFormat) }
        if call.operation == .webhookSet {
            let list = call.json?["webhooks"]?.elements ?? []
            edit(index) { session in
                session.webhooks = list
                session.webhookContract = .wawp
            }
            hasOwnWebhooks = true
            setAlarms()
        }
        let state = JSONValue.object(["webhooks": .array(sessions[index].webhooks), "systemConfig": .object([:])])
        guard let body = try? encodedJSON(state) else { return ContractError.internalError.reply(.json) }
        return ContractReply(status: 200, body: body)
    }

    private func rateLimit(_ policy: String) -> ContractReply {
        var body = ByteBuffer(string: "{\"current_policy\":")
        body.writeJSON(policy)
        body.writeStaticString(
            """
            ,"has_active_plan":false,"free_policies":["strict","standard_policy"],"policies":[{"slug":"strict",\
            "available":true,"limits":{"send_message_per_minute":5,"send_message_daily_cap":50,\
            "account_protection_seconds":10,"concurrent_limit":1}}]}
            """
        )
        return ContractReply(status: 200, body: body)
    }
}
