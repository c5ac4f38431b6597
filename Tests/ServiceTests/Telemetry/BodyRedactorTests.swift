import Service
import Testing

@Suite("BodyRedactor")
struct BodyRedactorTests {
    private let redactor = BodyRedactor(Redactor(secrets: ["the-secret-of-the-settings"]))

    @Test(
        arguments: [
            #"{"id":123456789012,"started":1772438400,"at":"2026-03-02T08:00:00.000+00:00","phone_id":"4917012345"}"#,
            #"{"team_member_id":"TM9xYb3kPq7R","version":1772438400123,"contact_id":99887766}"#,
            #"{"mobile":true,"is_mobile":"web","phone_updated_at":"2026-03-02T08:00:00Z","note":"1+2=3"}"#,
            "Timestamp=1772438400&WorkerSid=WK0123456789abcdef0123456789abcdef",
            "[1772438400000, 12345678901]", "", "plain words", #"{"#,
        ]
    )
    func `ids and times stay as they are`(text: String) {
        #expect(redactor.redact(text) == text)
    }

    @Test(
        arguments: [
            (#"{"phone":"+49 170 1234567","id":7}"#, #"{"phone":"[redacted]","id":7}"#),
            (#"{"mobile_number":491701234567}"#, #"{"mobile_number":"[redacted]"}"#),
            (#"{"contact_uri":"client:4917012345"}"#, #"{"contact_uri":"[redacted]"}"#),
            (#"{"note":"call +49 170 1234567 now"}"#, #"{"note":"call [redacted] now"}"#),
            (#"{"from":"whatsapp:+491701234567"}"#, #"{"from":"whatsapp:[redacted]"}"#),
            (#"{"n":"\u002B491701234567"}"#, #"{"n":"[redacted]"}"#),
            (
                #"{"phones":[{"home":"030 1234567"},{"work":5551234567}],"id":5551234567}"#,
                #"{"phones":[{"home":"[redacted]"},{"work":"[redacted]"}],"id":5551234567}"#
            ),
            (
                #"{"attributes":"{\"phone\":\"0170 1234567\",\"n\":1}"}"#,
                #"{"attributes":"{\"phone\":\"[redacted]\",\"n\":1}"}"#
            ),
            ("From=%2B491701234567&Sid=12345678901", "From=[redacted]&Sid=12345678901"),
            ("Phone=01701234567&a=1", "Phone=[redacted]&a=1"),
            ("tel: +1 (555) 123-4567.", "tel: [redacted]."),
        ]
    )
    func `telephone numbers go, by their form or by their member's name`(text: String, clean: String) {
        #expect(redactor.redact(text) == clean)
    }

    @Test(
        arguments: [
            #"{"token":"abc-def-ghi","n":1}"#, #"{"client_secret" : "abc-def-ghi"}"#, #"{"api_key":["abc-def-ghi"]}"#,
            #"{"password":{"value":"abc-def-ghi"}}"#, "access_token=abc-def-ghi&x=1",
            #"{"a":"the-secret-of-the-settings"}"#,
            "a=the-secret-of-the-settings", #"{"h":"Bearer abc-def-ghi"}"#, #"{"x":"{\"token\":\"abc-def-ghi\"}"}"#,
            #"{"token":"abc-def-ghi"#,
        ]
    )
    func `credentials and the settings' secrets go`(text: String) {
        let clean = redactor.redact(text)
        #expect(!clean.contains("abc-def-ghi") && !clean.contains("the-secret-of-the-settings"), "\(clean)")
        #expect(clean.contains(Redactor.mark))
    }

    @Test
    func `broken text costs little and never crashes`() {
        let pieces = [
            "{", "}", "[", "]", "\"", "\\", ":", ",", "\"phone\":", "+49170", "1234567", "%2B", "&", "=", "é",
            "\\u002b",
        ]
        var state: UInt64 = 7
        for _ in 0..<3000 {
            var text = ""
            for _ in 0..<12 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                text += pieces[Int(state >> 33) % pieces.count]
            }
            _ = redactor.redact(text)
        }
        let long = String(repeating: "{\"phone\":\"+491701234567\",", count: 2000)
        #expect(!redactor.redact(long).contains("1701234567"))
    }
}
