import Domain
import Foundation
import Testing

@testable import ClockSources

@Suite("SquareSource's proof")
struct SquareProofTests {
    /// The deliveries that are accepted as they stand.
    static var genuine: [ClockCase] {
        get throws { try ClockCase.all(of: .square).filter { $0.expect.reject == nil } }
    }

    @Test(arguments: try Self.genuine)
    func `one flipped byte of the body is refused`(item: ClockCase) throws {
        let source = try makeClockSource(item.settings)
        var delivery = try item.delivery
        for position in delivery.body.indices {
            delivery.body[position] ^= 1
            #expect(refusal(of: delivery, by: source) == .badProof, "byte \(position)")
            delivery.body[position] ^= 1
        }
        #expect(refusal(of: delivery, by: source) == nil)
    }

    @Test(arguments: try Self.genuine)
    func `one changed bit of the signature is refused`(item: ClockCase) throws {
        let source = try makeClockSource(item.settings)
        var delivery = try item.delivery
        let place = try #require(delivery.headers.firstIndex { $0.name == SquareDelivery.signatureHeader })
        let signature = Array(delivery.headers[place].value.utf8)
        for position in signature.indices {
            for bit in 0..<7 {
                var changed = signature
                changed[position] ^= 1 << bit
                delivery.headers[place].value = String(decoding: changed, as: UTF8.self)
                #expect(refusal(of: delivery, by: source) == .badProof, "byte \(position), bit \(bit)")
            }
        }
    }

    @Test(arguments: try Self.genuine)
    func `a new secret and new ids, signed again, read alike`(item: ClockCase) throws {
        let old = try makeClockSource(item.settings).read(item.delivery)
        var settings = try item.settings
        settings.secrets = ["another-made-up-signing-key"]
        let delivery = try renamed(item, key: settings.secrets[0])
        let new = try makeClockSource(settings).read(delivery)
        #expect(new.punches.map(\.kind) == old.punches.map(\.kind))
        #expect(new.punches.map(\.occurredAt) == old.punches.map(\.occurredAt))
        #expect(new.punches.map(\.version) == old.punches.map(\.version))
        #expect(new.punches.map(\.record) == old.punches.map { $0.record.map { "new-\($0)" } })
        #expect(new.punches.map(\.externalAgent) == old.punches.map { $0.externalAgent.map { "new-\($0)" } })
        #expect(new.deliveryID == old.deliveryID.map { "new-\($0)" })
        #expect(refusal(of: delivery, by: try makeClockSource(item.settings)) == .badProof)
    }

    @Test
    func `every secret is valid while one replaces another`() throws {
        let delivery = SquareDelivery(card: #""start_at":"2026-03-02T08:00:00Z","version":1"#)
        for secrets in [
            [SquareDelivery.key, "the-one-that-comes-next"], ["the-one-that-was-before", SquareDelivery.key],
        ] {
            #expect(try delivery.read(secrets: secrets).punches.count == 1)
        }
        #expect(throws: SourceRefusal(.badProof)) { try delivery.read(secrets: ["the-one-that-was-before"]) }
    }

    @Test
    func `a signature sent twice is refused`() throws {
        var delivery = SquareDelivery(body: "{}").delivery
        delivery.headers.append((name: "X-Square-HmacSHA256-Signature", value: "other"))
        #expect(refusal(of: delivery, by: try source()) == .badProof)
    }

    @Test
    func `the header's name may come in any case of letters`() throws {
        var delivery = SquareDelivery(body: "{}").delivery
        delivery.headers[0].name = "X-SQUARE-HMACSHA256-SIGNATURE"
        #expect(refusal(of: delivery, by: try source()) == nil)
    }

    @Test
    func `an empty or absent signature is refused`() throws {
        for headers in [[], [(name: SquareDelivery.signatureHeader, value: "")]] {
            let delivery = Delivery(headers: headers, body: [], receivedAt: SquareDelivery.receivedAt)
            #expect(refusal(of: delivery, by: try source()) == .badProof)
        }
    }

    @Test
    func `a refusal shows neither secret nor signature`() throws {
        let text = SourceRefusal(.badProof).description
        #expect(!text.contains(SquareDelivery.key))
        #expect(!text.isEmpty)
    }

    private func source() throws -> any ClockSource {
        try makeClockSource(
            SourceSettings(name: "square", kind: .square, secrets: [SquareDelivery.key], publicURL: SquareDelivery.url)
        )
    }

    private func refusal(of delivery: Delivery, by source: any ClockSource) -> SourceRefusal.Kind? {
        do throws(SourceRefusal) {
            _ = try source.read(delivery)
            return nil
        } catch {
            return error.kind
        }
    }

    /// The same delivery from a sender with other ids and another key.
    private func renamed(_ item: ClockCase, key: String) throws -> Delivery {
        let body = item.body.replacing(/"(id|team_member_id|event_id)":"/) { #""\#($0.1)":"new-"# }
        let signature = SquareDelivery.signature(
            key: key,
            url: try #require(item.config.publicUrl),
            body: Array(body.utf8)
        )
        var delivery = try item.delivery
        delivery.body = Array(body.utf8)
        delivery.headers = [(name: SquareDelivery.signatureHeader, value: signature)]
        return delivery
    }
}
