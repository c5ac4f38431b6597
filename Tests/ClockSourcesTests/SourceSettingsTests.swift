import Testing

@testable import ClockSources

@Suite("SourceSettings")
struct SourceSettingsTests {
    static let secret = "sixteen-letters!"
    static let url = "https://clock.example.test/hook"

    /// Settings of any kind that lack nothing but what a test leaves out.
    private func settings(kind: SourceKind, secrets: [String]) throws -> SourceSettings {
        SourceSettings(
            name: "hr",
            kind: kind,
            secrets: secrets,
            publicURL: Self.url,
            timeZone: try systemZone("Asia/Kolkata")
        )
    }

    @Test(arguments: SourceKind.allCases, [[], [""], ["7-chars"], [secret, "short"]])
    func `a source without a secret of enough characters is not made`(
        kind: SourceKind,
        secrets: [String]
    ) throws {
        let settings = try settings(kind: kind, secrets: secrets)
        let expected =
            secrets.isEmpty
            ? SourceSettingsError(.noSecret, source: "hr")
            : SourceSettingsError(.shortSecret, source: "hr", lengthLimit: kind == .factorial ? 8 : 16)
        #expect(throws: expected) { _ = try makeClockSource(settings) }
    }

    /// Of Standard Webhooks the specification itself says how long a key is.
    @Test(arguments: SourceKind.allCases.filter { $0 != .standardWebhooks })
    func `sixteen characters are enough, and fifteen only for Factorial`(kind: SourceKind) throws {
        let enough = try settings(kind: kind, secrets: [Self.secret])
        #expect(throws: Never.self) { _ = try makeClockSource(enough) }
        let fewer = try settings(kind: kind, secrets: ["fifteen-letters"])
        if kind == .factorial {
            #expect(throws: Never.self) { _ = try makeClockSource(fewer) }
        } else {
            #expect(throws: SourceSettingsError(.shortSecret, source: "hr")) { _ = try makeClockSource(fewer) }
        }
    }

    @Test
    func `a sender of local times needs a zone`() {
        let settings = SourceSettings(name: "hr", kind: .frappe, secrets: [Self.secret], publicURL: Self.url)
        #expect(throws: SourceSettingsError(.noTimeZone, source: "hr")) { _ = try makeClockSource(settings) }
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
        (.standardWebhooks, .header), (.cloudEvents, .hmac), (.cloudEvents, .none), (.rfc9421, .token), (.toggl, .none),
        (.clockify, .none), (.twilio, .header),
        (.deputy, .token), (.deputy, .none), (.frappe, .none), (.odoo, .none), (.odoo, .header), (.zendesk, .token),
        (.sevenShifts, .none), (.sevenShifts, .header), (.factorial, .none), (.factorial, .hmac), (.personio, .none),
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
