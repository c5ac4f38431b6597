import Domain
import EngineSimulator
import Engines
import Foundation
import Testing

/// The cases of which the client reads more than a verdict: it asks as they do, and is answered as they say.
@Suite("engine-cases.json, pairing and lists", .serialized, .timeLimit(.minutes(1)))
struct ReadCaseTests {
    /// What the client hands on of each answer; of one that it refuses, nothing.
    private static let offers: [String: PairingAnswer] = [
        "wawp.qrImage.ok": .offer(PairingOffer(value: "data:image/png;base64,iVBORw0KGgo=")),
        "wawp.requestCode.ok": .offer(PairingOffer(value: "ABCD-1234")),
        "wawp.tempLinkGet.none": PairingAnswer.none,
        "wawp.tempLinkPost.ok": .offer(
            PairingOffer(
                value: "https://app.wawp.net/temp-qr/" + String(repeating: "a", count: 64),
                expiresAt: Timestamp(seconds: 1_767_227_400)  // 2026-01-01T00:30:00Z
            )
        ),
        "waha.qr.base64": .offer(PairingOffer(value: "data:image/png;base64,iVBORw0KGgo=")),
        "waha.requestCode.ok": .offer(PairingOffer(value: "ABCD-ABCD")),
    ]

    /// Where the client says something else than the case's class, and why.
    private static let exceptions: [String: (verdict: EngineVerdict, reason: String)] = [
        "waha.qr.png": (
            .verify,
            "It asks for JSON, which says what the picture is; bytes that came all the same are shown to nobody."
        ),
        "waha.qr.raw": (
            .verify,
            "It asks for a picture; the text that one would be drawn from is none, and is shown to nobody."
        ),
        "waha.qr.wrong_state_422": (
            .already,
            """
            The request is in order, and the session no longer waits for a telephone: most often somebody has just scanned \
            its code. `PairingRoutes` says so and has it read at once; to `permanent` it would say that the engine fails.
            """
        ),
    ]

    @Test(arguments: EngineCase.pairing)
    func `the client asks as the case does, and hands on what its answer offers`(engineCase: EngineCase) async throws {
        let wish = try #require(engineCase.wish)
        try await CaseServer.run(engineCase) { engine, server in
            let pairing = try #require(engine as? any PairingEngine)
            let answer = await pairing.pairing(wish, of: SessionAddress(instanceID: engineCase.instanceID))
            try Self.expect(server.asked, toBeAsIn: engineCase)

            let exception = Self.exceptions[engineCase.id]
            let verdict = exception?.verdict ?? engineCase.verdict
            guard case .refused(let refusal) = answer else {
                #expect(verdict == .ok)
                #expect(answer == Self.offers[engineCase.id])
                return
            }
            #expect(refusal.verdict == verdict, "\(exception?.reason ?? "the case's class")")
            #expect(Self.offers[engineCase.id] == nil)
            #expect(refusal.httpStatus == engineCase.response.status)
            #expect(!refusal.detail.contains(engineCase.token) && !refusal.detail.contains("2@abc"))
            #expect(refusal.detail.count <= 200)
        }
    }

    @Test func `each case of pairing has its offer or is an exception, and no exception agrees with its case`() {
        let ids = Set(EngineCase.pairing.map(\.id))
        #expect(Set(Self.offers.keys).union(Self.exceptions.keys) == ids)
        #expect(Set(Self.offers.keys).isDisjoint(with: Self.exceptions.keys))
        for engineCase in EngineCase.pairing {
            guard let exception = Self.exceptions[engineCase.id] else { continue }
            #expect(engineCase.verdict != exception.verdict, "\(engineCase.id)")
        }
    }

    @Test(arguments: EngineCase.lists)
    func `the client lists all sessions, and reads each that is named`(engineCase: EngineCase) async throws {
        try await CaseServer.run(engineCase) { engine, server in
            let listing = try #require(engine as? any ListingEngine)
            let list = await listing.list()
            try Self.expect(server.asked, toBeAsIn: engineCase)
            #expect(list.answer.verdict == engineCase.verdict)
            #expect(list.answer.httpStatus == engineCase.response.status)
            var statuses: [String: SessionStatus] = [:]
            for session in engineCase.response.body?.elements ?? [] {
                let name = try #require(session["name"]?.text)
                statuses[name] = SessionStatus(word: try #require(session["status"]?.text))
            }
            #expect(list.statuses == statuses)
            #expect(!list.answer.detail.contains(engineCase.token))
        }
    }

    /// Expects one request, as the case has it.
    private static func expect(_ asked: [CaseServer.Asked], toBeAsIn engineCase: EngineCase) throws {
        #expect(asked.count == 1)
        let request = try #require(asked.first)
        let target = try #require(URLComponents(string: request.target))
        let query = Dictionary((target.queryItems ?? []).map { ($0.name, $0.value ?? "") }) { first, _ in first }
        #expect(request.method == engineCase.request.method)
        #expect(target.path == engineCase.request.path)
        #expect(query == clientQuery(of: engineCase))
        #expect(request.body == engineCase.request.body)
        for (name, value) in engineCase.request.headers where name != "Accept" {
            #expect(request.headers[name.lowercased()] == value, "\(name)")
        }
        #expect(request.headers["accept"] == "application/json")
    }

    /// The case's query, but for what WAHA answers in several forms, of which the client always names the same.
    ///
    /// Source: WAHA's OpenAPI file, 2026.7.1: a list leaves out stopped sessions by default, and a QR is an image by default.
    private static func clientQuery(of engineCase: EngineCase) -> [String: String] {
        switch (engineCase.engine, engineCase.operation) {
        case ("waha", "list"): ["all": "true"]
        case ("waha", "qr"): ["format": "image"]
        default: engineCase.request.query
        }
    }
}
