import Domain
import EngineSimulator
import Engines
import Foundation
import Testing

/// The pictures that the simulator shows people.
@Suite("Simulated pictures", .serialized)
struct PairingPictureTests {
    @Test func `a session's picture is a PNG, another one for each life and each session`() async throws {
        var configuration = SimulatorConfiguration.still
        configuration.drawsPictures = true
        try await withSimulator(configuration) { simulator in
            try await simulator.put("SCAN_QR_CODE", isPaired: false)
            let engine = try simulator.engine()
            func picture() async throws -> String {
                guard case .offer(let offer) = await engine.pairing(.qr, of: Simulator.session) else { return "" }
                return offer.value
            }
            let first = try await picture()
            #expect(first.hasPrefix("data:image/png;base64,"))
            let again = try await picture()
            #expect(again == first)
            let file = try #require(Data(base64Encoded: String(first.dropFirst("data:image/png;base64,".count))))
            #expect(file.starts(with: [0x89, 0x50, 0x4E, 0x47]))
            try await simulator.advance(.seconds(31))
            let later = try await picture()
            #expect(later != first && later.hasPrefix("data:image/png;base64,"))
        }
    }

    @Test func `WAHA's first picture lasts a minute, the next ones a third of one`() async throws {
        var configuration = SimulatorConfiguration.still
        configuration.drawsPictures = true
        try await withSimulator(configuration) { simulator in
            try await simulator.put("SCAN_QR_CODE", isPaired: false)
            let engine = try simulator.wahaEngine(token: "tok_valid_0001")
            var pictures: [PairingAnswer] = [await engine.pairing(.qr, of: Simulator.session)]
            for wait in [59, 1, 19, 1] as [Int64] {
                try await simulator.advance(.seconds(wait))
                pictures.append(await engine.pairing(.qr, of: Simulator.session))
            }
            #expect(pictures[0] == pictures[1] && pictures[2] == pictures[3])
            #expect(Set(pictures).count == 3)
        }
    }
}
