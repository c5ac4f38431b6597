import Testing

@testable import Engines

@Suite("Redaction")
struct RedactionTests {
    @Test(
        arguments: [
            ("token tok/a+b=\"c is bad", "token [removed] is bad"),
            (#"{"access_token":"tok\/a+b=\"c"}"#, #"{"access_token":"[removed]"}"#),
            (#"{"access_token":"tok/a+b=\"c"}"#, #"{"access_token":"[removed]"}"#),
            ("?access_token=tok%2Fa%2Bb%3D%22c&x", "?access_token=[removed]&x"),
            ("call 201012345678 now", "call [removed] now"), ("call +20 101 234-5678.", "call +[removed]."),
            ("call (0)101/2345678", "call ([removed]"), ("room 123456", "room 123456"),
            ("٠١٢٣٤٥٦٧٨", "[removed]"), (#""id":"201012345678@c.us""#, #""id":"[removed]""#),
            ("x 123@s.whatsapp.net y", "x [removed] y"),
            (#""qr":"data:image/png;base64,iVBORw0KGgo=""#, #""qr":"[removed]""#),
            ("key 2@abcDEF123,xyz+/==,456 end", "key [removed] end"),
            ("see aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", "see [removed]!"),
            ("two\r\nlines\tand\u{7}bell", "two lines and bell"),
        ]
    )
    func `what must not be shown is taken out`(text: String, shown: String) {
        #expect(Redaction(token: "tok/a+b=\"c").excerpt(text) == shown)
    }

    @Test(arguments: 150..<260)
    func `a token at the end of the excerpt leaves no half`(position: Int) {
        let text = String(repeating: "y ", count: position / 2) + "tok_valid_0001 and 201012345678"
        let shown = Redaction(token: "tok_valid_0001").excerpt(text)
        #expect(shown.count <= Redaction.excerptLimit)
        #expect(!shown.contains("tok"))
        #expect(!shown.contains("2010"))
    }

    @Test func `bytes that are not UTF-8 are shown as far as they can be`() {
        #expect(Redaction(token: "t0ken").excerpt([0x61, 0xFF, 0xFE, 0x62]) == "a\u{FFFD}\u{FFFD}b")
    }

    @Test func `a body of the longest size is filtered in no time worth naming`() {
        let body = [UInt8](repeating: UInt8(ascii: "1"), count: ReplyCollector.bodyLimit)
        #expect(Redaction(token: "t0ken").excerpt(body) == "[removed]")
    }
}
