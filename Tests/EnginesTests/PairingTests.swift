import AsyncHTTPClient
import Domain
import EngineSimulator
import FoundationEssentials
import NIOHTTP1
import Testing

@testable import Engines

/// What a person pairs a session with, as the engines offer it.
@Suite("Pairing reads", .serialized)
struct PairingTests {
    private static let placements: [EngineAccount.TokenPlacement] = [.body, .query, .bearer, .header]

    private func offer(_ answer: PairingAnswer) throws -> PairingOffer {
        guard case .offer(let offer) = answer else {
            Issue.record("no offer: \(answer)")
            throw PairingFailure()
        }
        return offer
    }

    private struct PairingFailure: Error {}

    @Test(arguments: placements)
    func `Wawp gives a picture, a code and a link, wherever the token travels`(
        placement: EngineAccount.TokenPlacement
    ) async throws {
        try await withSimulator { simulator in
            try await simulator.put("SCAN_QR_CODE", isPaired: false)
            let engine = try simulator.engine(placement)
            let picture = try offer(await engine.pairing(.qr, of: Simulator.session))
            #expect(picture.value == "data:image/png;base64,iVBORw0KGgo=")
            let code = try offer(await engine.pairing(.code(phoneNumber: "201012345678"), of: Simulator.session))
            #expect(code.value == "ABCD-1234")
            #expect(await engine.pairing(.link, of: Simulator.session) == PairingAnswer.none)
            let made = try offer(await engine.pairing(.newLink, of: Simulator.session))
            #expect(made.value.hasPrefix("https://app.wawp.net/temp-qr/"))
            #expect(made.expiresAt != nil)
            #expect(try offer(await engine.pairing(.link, of: Simulator.session)) == made)
            let again = try offer(await engine.pairing(.newLink, of: Simulator.session))
            #expect(again.value != made.value)
        }
    }

    @Test func `WAHA gives a picture and a code, and has no link to hand out`() async throws {
        try await withSimulator { simulator in
            try await simulator.put("SCAN_QR_CODE", isPaired: false)
            let engine = try simulator.wahaEngine()
            let picture = try offer(await engine.pairing(.qr, of: Simulator.session))
            #expect(picture.value == "data:image/png;base64,iVBORw0KGgo=")
            let code = try offer(await engine.pairing(.code(phoneNumber: "12132132130"), of: Simulator.session))
            #expect(code.value == "ABCD-ABCD")
            let seen = try await simulator.calls().count
            #expect(await engine.pairing(.link, of: Simulator.session) == .notOffered)
            #expect(await engine.pairing(.newLink, of: Simulator.session) == .notOffered)
            #expect(try await simulator.calls().count == seen)
        }
    }

    @Test(arguments: EngineKind.allCases)
    func `a session that waits for nobody, or is not there, offers nothing`(kind: EngineKind) async throws {
        // WAHA waits some seconds for the state before it refuses.
        var configuration = SimulatorConfiguration.still
        configuration.speed = 50
        try await withSimulator(configuration) { simulator in
            try await simulator.put("WORKING")
            let engine = try #require(try simulator.engine(kind) as? any PairingEngine)
            for wish in [PairingWish.qr, .code(phoneNumber: "201012345678")] {
                guard case .refused(let refusal) = await engine.pairing(wish, of: Simulator.session) else {
                    Issue.record("offered")
                    return
                }
                #expect(refusal.verdict == .already)
            }
            let nobody = SessionAddress(instanceID: "nobody")
            guard case .refused(let refusal) = await engine.pairing(.qr, of: nobody) else {
                Issue.record("offered")
                return
            }
            #expect(refusal.verdict == .missing)
        }
    }

    @Test func `Wawp's requests are as its pages show them`() throws {
        let account = EngineAccount(baseURL: "https://x", token: "t&k", placement: .body)
        let requests = try WawpRequests(account)
        let link = try #require(requests.request(.link, instanceID: "a b"))
        #expect(link.method == .GET)
        #expect(link.url.absoluteString == "https://x/v2/session/temp-link?instance_id=a%20b&access_token=t%26k")
        #expect(requests.request(.newLink, instanceID: "a")?.method == .POST)
        let code = try #require(requests.request(.code(phoneNumber: "49170"), instanceID: "a"))
        #expect(code.url.absoluteString == "https://x/v2/auth/request-code")
        #expect(code.headers["content-type"] == ["application/json"])
        let bearer = try WawpRequests(EngineAccount(baseURL: "https://x", token: "t", placement: .bearer))
        #expect(bearer.request(.qr, instanceID: "a\nb") == nil)
        #expect(bearer.request(.qr, instanceID: "ab")?.headers["x-instance-id"] == ["ab"])
        let waha = try WAHARequests(EngineAccount(baseURL: "https://x", token: "k", placement: .header))
        #expect(waha.qr("a/b")?.url.absoluteString == "https://x/api/a%2Fb/auth/qr?format=image")
        #expect(waha.qr("..") == nil && waha.code("", phoneNumber: "1") == nil)
    }

    @Test(arguments: [
        #"{"qr":"data:image/svg+xml;base64,AAAA"}"#, #"{"qr":"data:image/png;base64,"}"#,
        #"{"qr":"javascript:alert(1)"}"#,
        #"{"qr":"data:image/png;base64,AA\"><script>"}"#, #"{"qr":7}"#, "{}", "", "<html>",
    ])
    func `a picture that is none is not shown`(body: String) {
        #expect(PairingReply.wawpPicture(Array(body.utf8)) == nil)
    }

    @Test(arguments: [
        #"{"code":"invalid_session","message":"Session not found."}"#, #"{"code":"<b>12345</b>"}"#, #"{"code":"1"}"#,
        #"{"code":12345678}"#, "[]",
    ])
    func `a code that is none is not shown`(body: String) {
        #expect(PairingReply.code(Array(body.utf8)) == nil)
    }

    @Test(arguments: [
        #"{"link":"http://app.wawp.net/x"}"#, #"{"link":"javascript:alert(1)"}"#, #"{"link":"https://x/\"onload"}"#,
        #"{"link":"https://x/ y"}"#, #"{"code":"quota_reached","message":"no"}"#, "null", #"{"link":7}"#,
        #"{"code":403}"#, #"{"link":null,"code":{"name":"quota_reached"}}"#,
    ])
    func `a link that is none is not shown`(body: String) {
        #expect(PairingReply.link(Array(body.utf8)) == nil)
    }

    @Test(
        arguments: [
            ("1722170400000", 1_722_170_400_000), ("1722170400", 1_722_170_400_000),
            ("1722170400.0", 1_722_170_400_000),
            ("1722170400123", 1_722_170_400_123), (#""2024-07-28T12:40:00Z""#, 1_722_170_400_000),
            (#""2024-07-28T14:40:00+02:00""#, 1_722_170_400_000), ("null", nil), (#""soon""#, nil), ("0", nil),
            ("-1", nil),
            ("1800", nil), ("1722170400000000", nil), ("1e300", nil), ("true", nil), (#"{"at":1}"#, nil), ("[]", nil),
        ] as [(String, Int64?)]
    )
    func `a link is shown however its end is written, and one that cannot be read is none`(
        end: String,
        milliseconds: Int64?
    ) {
        let link = "https://app.wawp.net/temp-qr/0123"
        let body = #"{"link":"\#(link)","expires_at":\#(end),"code":200}"#
        let expiresAt = milliseconds.map { Timestamp(microseconds: $0 * 1000) }
        let offer = PairingAnswer.offer(PairingOffer(value: link, expiresAt: expiresAt))
        #expect(PairingReply.link(Array(body.utf8)) == offer)
    }

    @Test(arguments: ["{}", #"{"link":null}"#, #"{"link":null,"expires_at":0}"#, #"{"link":null,"code":null}"#])
    func `that there is no link is no fault of the answer`(body: String) {
        #expect(PairingReply.link(Array(body.utf8)) == PairingAnswer.none)
    }

    @Test func `WAHA's picture must say that it is one`() {
        #expect(PairingReply.wahaPicture(Array(#"{"mimetype":"text/html","data":"AAAA"}"#.utf8)) == nil)
    }

    @Test func `an offer says nothing of itself`() {
        let offer = PairingOffer(value: "ABCD-1234")
        for text in ["\(offer)", String(reflecting: offer), "\(PairingAnswer.offer(offer))"] {
            #expect(!text.contains("ABCD"))
        }
    }
}
