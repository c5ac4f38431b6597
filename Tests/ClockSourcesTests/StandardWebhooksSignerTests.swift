import ClockSources
import Domain
import Testing

@Suite("StandardWebhooksSigner")
struct StandardWebhooksSignerTests {
    private let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    private let other = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
    private let sentAt = Timestamp(microseconds: 1_614_265_330_000_000)

    private func delivery(_ headers: [(name: String, value: String)], _ body: String) -> Delivery {
        Delivery(headers: headers, body: Array(body.utf8), receivedAt: sentAt + .seconds(2))
    }

    private func isGenuine(_ delivery: Delivery, _ secrets: [String]) throws -> Bool {
        let source = try StandardWebhooksSource(SourceSettings(name: "s", kind: .standardWebhooks, secrets: secrets))
        do {
            _ = try source.read(delivery)
            return true
        } catch let refusal {
            return refusal.kind != .badProof
        }
    }

    /// Source: the vector in the reference libraries' tests.
    @Test
    func `the signature is that of the reference libraries`() throws {
        let signer = try #require(StandardWebhooksSigner(secrets: [secret]))
        let body = #"{"test": 2432232314}"#
        let headers = signer.headers(id: "msg_p5jXN8AQM9LWM0D4loKWxJek", sentAt: sentAt, body: Array(body.utf8))
        #expect(headers.map(\.name) == ["webhook-id", "webhook-timestamp", "webhook-signature"])
        #expect(headers[1].value == "1614265330")
        #expect(headers[2].value == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
    }

    @Test
    func `what is signed with two secrets is accepted under either, and not with another body`() throws {
        let signer = try #require(StandardWebhooksSigner(secrets: [secret, other]))
        let headers = signer.headers(id: "msg_1", sentAt: sentAt, body: Array("{}".utf8))
        #expect(try isGenuine(delivery(headers, "{}"), [secret]) == true)
        #expect(try isGenuine(delivery(headers, "{}"), [other]) == true)
        #expect(try isGenuine(delivery(headers, "[]"), [secret]) == false)
        let alone = try #require(StandardWebhooksSigner(secrets: [other]))
        #expect(
            try isGenuine(delivery(alone.headers(id: "msg_1", sentAt: sentAt, body: Array("{}".utf8)), "{}"), [secret])
                == false
        )
    }

    @Test(arguments: [[], ["whsec_c2hvcnQ="], ["nothing of the kind"], ["whpk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]])
    func `what is no secret signs nothing`(secrets: [String]) {
        #expect(StandardWebhooksSigner(secrets: secrets) == nil)
    }
}
