import Crypto
import Domain
import Testing

@testable import ClockSources

@Suite("RFC9421Source")
struct RFC9421SourceTests {
    static let secret = "a-shared-secret-made-up-for-tests"
    static let url = "https://Clock.example.test:443/v1/sources/hr/events"
    static let sentAt: Int64 = 1_772_438_400
    static let event = #"{"type":"clock.in","timestamp":"2026-03-02T08:00:00Z","data":{"agentId":"A"}}"#
    static let cover = ["@method", "@path", "content-digest"]

    /// What a delivery is changed by before and after it is signed.
    private struct Change {
        var cover = RFC9421SourceTests.cover
        var parameters = ";created=\(sentAt)"
        var values: [String: String] = [:]
        var headers: [(name: String, value: String)] = []
        var query: String?
        var digest: String?
        var body = event
    }

    /// A delivery signed with ``secret``; each component's value is written out here.
    private func delivery(_ change: (inout Change) -> Void = { _ in }) -> Delivery {
        var made = Change()
        change(&made)
        let digest = made.digest ?? "sha-256=:\(Array(SHA256.hash(data: Array(made.body.utf8))).base64):"
        var values = ["@method": "POST", "@path": "/v1/sources/hr/events", "content-digest": digest]
        values.merge(made.values) { $1 }
        let names = made.cover.map { $0.hasPrefix("\"") ? $0 : "\"\($0)\"" }
        let parameters = "(\(names.joined(separator: " ")))\(made.parameters)"
        let lines = zip(names, made.cover).map { "\($0): \(values[$1] ?? "")\n" }.joined()
        let code = hmac(SHA256.self, Self.secret, Array("\(lines)\"@signature-params\": \(parameters)".utf8))
        var delivery = Delivery(
            headers: made.headers,
            body: Array(made.body.utf8),
            query: made.query,
            receivedAt: Timestamp(seconds: Self.sentAt)
        )
        delivery.headers += [
            ("Content-Digest", digest), ("Signature-Input", "sig1=\(parameters)"),
            ("Signature", "sig1=:\(code.base64):"),
        ]
        return delivery
    }

    private func source(settings change: (inout SourceSettings) -> Void = { _ in }) throws -> any ClockSource {
        var settings = SourceSettings(name: "hr", kind: .rfc9421, secrets: [Self.secret], publicURL: Self.url)
        change(&settings)
        return try makeClockSource(settings)
    }

    @Test
    func `a signed request reads as our own words`() throws {
        let reading = try source().read(delivery())
        #expect(reading.punches.map(\.kind) == [.clockIn])
        #expect(reading.punches.map(\.externalAgent) == ["A"])
    }

    @Test(arguments: cover)
    func `what must be covered by default must be`(name: String) throws {
        let partial = delivery { $0.cover = Self.cover.filter { $0 != name } }
        #expect(refusal(of: partial, by: try source()) == .badProof)
    }

    @Test
    func `the settings say what must be covered, and the body's digest always`() throws {
        let query = { (settings: inout SourceSettings) in settings.mustCover = ["@query"] }
        #expect(refusal(of: delivery(), by: try source(settings: query)) == .badProof)
        let covering = delivery { change in
            change.cover = ["@query", "content-digest"]
            change.query = "x=1"
            change.values = ["@query": "?x=1"]
        }
        #expect(refusal(of: covering, by: try source(settings: query)) == nil)
        let bare = delivery { change in
            change.cover = ["@query"]
            change.values = ["@query": "?"]
        }
        #expect(refusal(of: bare, by: try source(settings: query)) == .badProof)
    }

    @Test(arguments: [
        ("@authority", "clock.example.test"), ("@scheme", "https"),
        ("@target-uri", "https://clock.example.test/v1/sources/hr/events?x=1&na%20me=a+b"),
        ("@request-target", "/v1/sources/hr/events?x=1&na%20me=a+b"), ("@query", "?x=1&na%20me=a+b"),
        (#""@query-param";name="na%20me""#, "a%20b"), ("x-two", "a, b"), ("x-empty", ""),
        ("host", "clock.example.test"),
    ])
    func `every part of a request can be covered`(name: String, value: String) throws {
        let covering = delivery { change in
            change.cover += [name]
            change.values = [name: value]
            change.query = "x=1&na%20me=a+b"
            change.headers = [("X-Two", " a"), ("Host", "evil.example"), ("x-two", "b "), ("X-Empty", "")]
        }
        #expect(refusal(of: covering, by: try source()) == nil)
        let other = delivery { change in
            change.cover += [name]
            change.values = [name: value + "x"]
            change.query = "x=1&na%20me=a+b"
            change.headers = [("X-Two", " a"), ("x-two", "b "), ("X-Empty", "")]
        }
        #expect(refusal(of: other, by: try source()) == .badProof)
    }

    @Test(arguments: [
        "@status", "@other", "x-absent", #""content-type";sf"#, #""@method";req"#, #""@query-param""#,
        #""@query-param";name="twice""#, #""X-Two""#, "@method",
    ])
    func `a signature over what a request has not, or covers twice, is refused`(name: String) throws {
        let covering = delivery { change in
            change.cover += [name]
            change.values[name] = name == "@method" ? "POST" : "a"
            change.query = "twice=a&twice=a"
            change.headers = [("X-Two", "a"), ("Content-Type", "a")]
        }
        #expect(refusal(of: covering, by: try source()) == .badProof)
    }

    private static let times: [(String, Bool)] = [
        ("", false), (";created=1.5", false), (";created=\(sentAt + 300)", true), (";created=\(sentAt + 301)", false),
        (";created=\(sentAt - 300)", true), (";created=\(sentAt - 301)", false),
        (";created=\(sentAt);expires=\(sentAt)", true), (";created=\(sentAt);expires=\(sentAt - 1)", false),
        (#";created=\#(sentAt);expires="never""#, false), (#";created=\#(sentAt);alg="hmac-sha256""#, true),
        (#";created=\#(sentAt);alg="ed25519""#, false), (#";created=\#(sentAt);nonce="n";tag="t""#, true),
    ]

    @Test(arguments: times)
    func `a signature counts in its time and for its algorithm`(parameters: String, isTaken: Bool) throws {
        let made = delivery { $0.parameters = parameters }
        #expect((refusal(of: made, by: try source()) == nil) == isTaken)
    }

    private static let keyIDs: [(String?, String?, Bool)] = [
        ("key-1", "key-1", true), ("key-1, key-2", "key-2", true), ("key-1", "key-2", false), ("key-1", nil, false),
        (nil, "key-2", true),
    ]

    @Test(arguments: keyIDs)
    func `the settings may name the keys that count`(wanted: String?, sent: String?, isTaken: Bool) throws {
        let made = delivery { change in
            if let sent { change.parameters += #";keyid="\#(sent)""# }
        }
        #expect((refusal(of: made, by: try source(settings: { $0.keyID = wanted })) == nil) == isTaken)
    }

    private static let digests: [(String, Bool)] = [
        ("sha-512=:\(Array(SHA512.hash(data: Array(event.utf8))).base64):", true),
        ("md5=:AAAA:, sha-256=:\(Array(SHA256.hash(data: Array(event.utf8))).base64):", true),
        ("sha-256=:\(Array(SHA256.hash(data: [])).base64):", false), ("md5=:AAAA:", false), ("sha-256", false),
        ("", false),
        (
            "sha-256=:\(Array(SHA256.hash(data: Array(event.utf8))).base64):, "
                + "sha-512=:\(Array(SHA512.hash(data: [])).base64):", false
        ),
    ]

    @Test(arguments: digests)
    func `the digest itself must hold, in every hash we know`(digest: String, isTaken: Bool) throws {
        #expect((refusal(of: delivery { $0.digest = digest }, by: try source()) == nil) == isTaken)
    }

    @Test
    func `blanks between the parts of Signature-Input change nothing`() throws {
        var made = delivery()
        let place = try #require(made.headers.firstIndex { $0.name == "Signature-Input" })
        made.headers[place].value = made.headers[place].value.replacing(#"" ""#, with: #""   ""#)
        #expect(refusal(of: made, by: try source()) == nil)
    }

    @Test
    func `one good signature among others is enough`() throws {
        var made = delivery()
        for place in made.headers.indices where made.headers[place].name.hasPrefix("Signature") {
            let isInput = made.headers[place].name == "Signature-Input"
            let other = isInput ? #"proxy=("@method");created=1"# : "proxy=:AAAA:"
            made.headers[place].value = other + ", " + made.headers[place].value
        }
        #expect(refusal(of: made, by: try source()) == nil)
    }

    @Test
    func `an id counts only where the signature covers it, and a nonce names the attempt`() throws {
        let covered = delivery { change in
            change.cover += ["idempotency-key"]
            change.values = ["idempotency-key": "\"k\""]
            change.headers = [("Idempotency-Key", "\"k\"")]
        }
        #expect(try source().read(covered).deliveryID == "k")
        #expect(try source().read(covered).punches.map(\.eventID) == ["k"])
        let loose = delivery { change in
            change.headers = [("Idempotency-Key", "\"k\"")]
            change.parameters += #";nonce="n-1""#
        }
        #expect(try source().read(loose).deliveryID == "n-1")
        #expect(try source().read(loose).punches.map(\.eventID) == [nil])
    }

    @Test
    func `an event without a time happened when it was signed`() throws {
        let made = delivery { change in
            change.body = #"{"type":"clock.in","data":{"agentId":"A"}}"#
            change.parameters = ";created=\(Self.sentAt - 60)"
        }
        let punches = try source().read(made).punches
        #expect(punches.map(\.occurredAt) == [Timestamp(seconds: Self.sentAt - 60)])
        #expect(punches.map(\.hasOwnTime) == [false])
    }

    @Test
    func `a secret in base64 is the key in either reading`() throws {
        let made = delivery()
        #expect(refusal(of: made, by: try source(settings: { $0.secrets = [Array(Self.secret.utf8).base64] })) == nil)
    }

    @Test(arguments: [
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
        "-----BEGIN PUBLIC KEY-----",
    ])
    func `a key that cannot be read is refused`(secret: String) {
        #expect(throws: SourceSettingsError(.badSecret, source: "hr")) {
            try source(settings: { $0.secrets = [secret] })
        }
    }

    @Test
    func `a method other than the signed one is refused`() throws {
        var made = delivery()
        made.method = "PUT"
        #expect(refusal(of: made, by: try source()) == .badProof)
    }
}
