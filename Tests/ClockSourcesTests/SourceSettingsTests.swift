import Testing

@testable import ClockSources

@Suite("SourceSettings")
struct SourceSettingsTests {
    static let secret = "sixteen-letters!"
    static let url = "https://clock.example.test/hook"

    @Test(arguments: SourceKind.allCases, [[], [""], ["fifteen-letters"], [secret, "short"]])
    func `a source without a secret of at least sixteen characters is not made`(
        kind: SourceKind,
        secrets: [String]
    ) {
        let settings = SourceSettings(name: "hr", kind: kind, secrets: secrets, publicURL: Self.url)
        let expected: SourceSettingsError.Kind = secrets.isEmpty ? .noSecret : .shortSecret
        #expect(throws: SourceSettingsError(expected, source: "hr")) { _ = try makeClockSource(settings) }
    }

    @Test(arguments: SourceKind.allCases)
    func `sixteen characters are enough`(kind: SourceKind) throws {
        let settings = SourceSettings(name: "hr", kind: kind, secrets: [Self.secret], publicURL: Self.url)
        #expect(throws: Never.self) { _ = try makeClockSource(settings) }
    }

    @Test(arguments: [
        nil, "", "clock.example.test/hook", "ftp://clock.example.test", "https://", "https:///x", "https://a b",
    ])
    func `a sender that signs its address needs one`(url: String?) {
        let settings = SourceSettings(name: "hr", kind: .square, secrets: [Self.secret], publicURL: url)
        let expected: SourceSettingsError.Kind = (url ?? "").isEmpty ? .noPublicURL : .badPublicURL
        #expect(throws: SourceSettingsError(expected, source: "hr")) { _ = try makeClockSource(settings) }
    }

    @Test(arguments: [
        (SourceKind.square, SourceAuth.none), (.square, .token), (.genericBearer, .none), (.genericBearer, .hmac),
    ])
    func `a proof the kind does not know is refused`(kind: SourceKind, auth: SourceAuth) {
        let settings = SourceSettings(name: "hr", kind: kind, secrets: [Self.secret], publicURL: Self.url, auth: auth)
        #expect(throws: SourceSettingsError(.unsupportedAuth, source: "hr")) { _ = try makeClockSource(settings) }
    }

    @Test(arguments: ["", "two words", "colon:"])
    func `what cannot name a header is refused`(name: String) {
        let settings = SourceSettings(name: "hr", kind: .genericBearer, secrets: [Self.secret], headerName: name)
        #expect(throws: SourceSettingsError(.badHeaderName, source: "hr")) { _ = try makeClockSource(settings) }
    }

    @Test(arguments: SourceSettingsError.Kind.allCases)
    func `an error names the variable to set`(kind: SourceSettingsError.Kind) {
        let text = SourceSettingsError(kind, source: "shop-floor").description
        #expect(text.contains("ROLLCALL_SOURCE_SHOP_FLOOR_"))
    }

    @Test
    func `agent ids match without an alias for the generic kind alone`() {
        #expect(!SourceSettings(name: "a", kind: .square, secrets: []).matchAgentID)
        #expect(SourceSettings(name: "a", kind: .genericBearer, secrets: []).matchAgentID)
        #expect(SourceSettings(name: "a", kind: .square, secrets: [], matchAgentID: true).matchAgentID)
    }
}
