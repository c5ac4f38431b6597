import Testing

@testable import Service

@Suite("Redactor")
struct RedactorTests {
    static let redactor = Redactor(secrets: ["wawp-secret", "wawp-secret-longer", "p w/d", "abc"])

    @Test(arguments: [
        ("is wawp-secret here", "is [redacted] here"),
        ("wawp-secret-longer", "[redacted]"),
        ("wawp-secretwawp-secret", "[redacted][redacted]"),
        ("pass p w/d", "pass [redacted]"),
        ("url?x=p%20w%2Fd", "url?x=[redacted]"),
        ("wawp-secre", "wawp-secre"),
        ("abc is too short to hide", "abc is too short to hide"),
    ])
    func `secrets of the settings are taken out, also from URLs`(text: String, expected: String) {
        #expect(Self.redactor.redact(text) == expected)
    }

    @Test(arguments: [
        ("Authorization: Bearer eyJhbGciOi.J9-_~+/=", "Authorization: [redacted]"),
        ("sent bearer tok_i67nfrpy", "sent bearer [redacted]"),
        ("the bearer of news", "the bearer of news"),
        (
            "GET /v2/session/info?access_token=abc123&instance_id=x1",
            "GET /v2/session/info?access_token=[redacted]&instance_id=x1"
        ),
        (#"{"access_token":"abc","id":1}"#, #"{"access_token":"[redacted]","id":1}"#),
        (#"{"token" : "abc"}"#, #"{"token" : "[redacted]"}"#),
        ("ROLLCALL_ENGINE_MAIN_TOKEN=abc next", "ROLLCALL_ENGINE_MAIN_TOKEN=[redacted] next"),
        ("X-Api-Key: abc", "X-Api-Key: [redacted]"),
        ("password=hunter2", "password=[redacted]"),
        ("?secret=s1", "?secret=[redacted]"),
        ("postgres://rollcall:hunter2@db:5432/rollcall", "postgres://[redacted]@db:5432/rollcall"),
        ("host=/tmp password='hunter2' port=1", "host=/tmp password='[redacted]' port=1"),
        ("the token expired", "the token expired"),
        ("http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1"),
    ])
    func `credentials are taken out by their form`(text: String, expected: String) {
        #expect(Self.redactor.redact(text) == expected)
    }

    @Test(arguments: [
        ("call 491701234567 now", "call [redacted] now"),
        ("1234567", "[redacted]"),
        ("123456", "123456"),
        ("+1 (415) 555-0100 rang", "[redacted] rang"),
        ("at +49 170", "at +49 170"),
        ("2026-03-02T08:00:00.123456+01:00", "2026-03-02T08:00:00.123456+01:00"),
        ("491701234567@c.us", "[redacted]"),
        ("from 4917:12@s.whatsapp.net!", "from [redacted]!"),
        ("a.b-c@g.us", "[redacted]"),
        ("person@example.test", "person@example.test"),
    ])
    func `telephone numbers and chat ids are taken out`(text: String, expected: String) {
        #expect(Self.redactor.redact(text) == expected)
    }

    @Test
    func `our own numbers keep their digits and nothing else`() {
        #expect(Self.redactor.redact("84729105", keepsDigits: true) == "84729105")
        #expect(Self.redactor.redact("491701234567@c.us", keepsDigits: true) == "[redacted]")
        #expect(Self.redactor.redact("84729105 wawp-secret", keepsDigits: true) == "84729105 [redacted]")
    }

    @Test(arguments: ["", "plain words", "grüße – 你好 👋", "\u{0}\n"])
    func `harmless text stays as it is`(text: String) {
        #expect(Self.redactor.redact(text) == text)
    }

    @Test(.timeLimit(.minutes(1)), arguments: ["a:", "://", "+1 ", "Bearer ", "token=", "@c.us", "12"])
    func `a long text costs no more than its length`(part: String) {
        let text = String(repeating: part, count: 50_000 / part.utf8.count)
        #expect(!Self.redactor.redact(text).isEmpty)
    }

    @Test(
        arguments: zip(
            ["token", "access_token", "X-Api-Key", "Webhook-Signature", "PASSWORD", "tokens", "instance", "key_id"],
            [true, true, true, true, true, false, false, false]
        )
    )
    func `names that mean a secret are known`(name: String, isSecret: Bool) {
        #expect(Redactor.isSecretName(name) == isSecret)
    }
}
