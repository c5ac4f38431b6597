import ClockSources
import Domain
import Testing

@testable import Service

/// What is said to be fine, where nothing comes of a delivery.
@Suite("DeliveryCheck")
struct DeliveryCheckTests {
    /// A sender whose deliveries all say the same.
    private struct OneReading: ClockSource {
        var reading: DeliveryReading

        func read(_ delivery: Delivery) throws(SourceRefusal) -> DeliveryReading { reading }
    }

    private func judge(_ reading: DeliveryReading) async throws -> DeliveryVerdict {
        let check = DeliveryCheck(
            ConfiguredSource(name: "vendor", reader: OneReading(reading: reading), matchesAgentID: true),
            sourceID: nil,
            skew: .seconds(60),
            policy: ReconcilePolicy(),
            pool: nil
        )
        return try await check.judge(Delivery(headers: [], body: [], receivedAt: Timestamp(seconds: 1_772_438_400)))
    }

    @Test
    func `a delivery that says more than is taken is not fine, and the check says why`() async throws {
        let punch = SourcePunch(externalAgent: "ana", kind: .clockIn, occurredAt: Timestamp(seconds: 1_772_438_400))
        var reading = DeliveryReading(punches: Array(repeating: punch, count: DeliveryAdmission.eventLimit))
        #expect(try await judge(reading).isFine)
        reading.punches.append(punch)
        let verdict = try await judge(reading)
        #expect(verdict.status == 200 && verdict.events.isEmpty && !verdict.isFine)
        #expect(verdict.reading?.ignored == DeliveryLabel.tooManyItems)
        #expect(verdict.lines.contains("ignored: It says more than is taken from one body."), "\(verdict.lines)")
    }

    @Test(arguments: [
        (DeliveryLabel.unusable, false), (DeliveryLabel.unmappedWord, false), (DeliveryLabel.noTimeZone, false),
        (DeliveryLabel.tooManyItems, false), (DeliveryLabel.unknownType, true), (DeliveryLabel.handshake, true),
        (DeliveryLabel.empty, true), (DeliveryLabel.noDirection, true), (DeliveryLabel.rejected, true),
    ])
    func `what is ignored is fine where there is nothing to lose`(label: String, isFine: Bool) async throws {
        let verdict = try await judge(DeliveryReading(ignored: label))
        #expect(verdict.status == 200 && verdict.isProved)
        #expect(verdict.isFine == isFine)
    }
}
