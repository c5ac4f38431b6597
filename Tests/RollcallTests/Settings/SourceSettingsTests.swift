import ClockSources
import Domain
import Service
import Testing

@testable import rollcall

@Suite("settings of clock sources")
struct ClockSourceSettingsTests {
    /// The least settings with one source of a kind, named `hr`; a `nil` removes.
    private static func least(_ kind: SourceKind, _ changes: [String: String?] = [:]) -> [String: String?] {
        var settings: [String: String?] = [
            "KIND": kind.rawValue, "SECRET": "secret-of-this-source",
            "PUBLIC_URL": "https://rollcall.example/v1/sources/hr/events",
        ]
        switch kind {
        case .standardWebhooks: settings["SECRET"] = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
        case .frappe: settings["TIME_ZONE"] = "Europe/Berlin"
        case .personio:
            settings["CLIENT_ID"] = "papi-client"
            settings["CLIENT_SECRET"] = "papi-client-secret"
        default: break
        }
        settings.merge(changes) { _, new in new }
        var named: [String: String?] = ["ROLLCALL_SOURCES": "hr"]
        for (name, value) in settings { named["ROLLCALL_SOURCE_HR_\(name)"] = value }
        return named
    }

    @Test(arguments: SourceKind.allCases)
    func `every kind can be set up, and is listed`(kind: SourceKind) throws {
        let settings = try SettingsFixture.load(Self.least(kind))
        let source = try #require(settings.sources.first)
        #expect(source.reading.kind == kind)
        #expect(source.limits == SourceLimits())
        #expect(source.silence == .zero)
        #expect((source.api != nil) == (kind == .personio))
        let rows = settings.report.rows.filter { $0.setting.hasPrefix("ROLLCALL_SOURCE_HR_") }
        #expect(rows.count == SettingCatalogue.ofSource.count)
        #expect(rows.first { $0.setting == "ROLLCALL_SOURCE_HR_SECRET" }?.value == SettingsReport.hidden)
    }

    @Test(arguments: SourceKind.allCases)
    func `without a secret, or with one that is too short, there is no boot`(kind: SourceKind) {
        for secret in [nil, "", ",", "short"] {
            let problems = SettingsFixture.problems(Self.least(kind, ["SECRET": secret]))
            #expect(!problems.isEmpty, "\(secret ?? "none")")
            #expect(problems.allSatisfy { $0.setting.hasPrefix("ROLLCALL_SOURCE") })
        }
    }

    @Test
    func `every setting reaches the source`() throws {
        let settings = try SettingsFixture.load(
            Self.least(
                .genericBearer,
                [
                    "SECRET": "secret-number-one, secret-number-two", "AUTH": "header", "HEADER": "X-Secret",
                    "TOKENS": "IN=token-old-old-old|token-new-new-new", "MAP": "online=clock_in,away=break_start",
                    "MUST_COVER": "content-digest,@method", "KEY_ID": "one,two", "TIME_ZONE": "Asia/Tokyo",
                    "TOLERANCE": "60s", "REQUIRE_KEY": "true", "MATCH_AGENT_ID": "false", "RATE_LIMIT": "50",
                    "BODY_LIMIT": "65536", "SILENCE": "72h",
                ]
            )
        )
        let source = try #require(settings.sources.first)
        #expect(source.reading.secrets == ["secret-number-one", "secret-number-two"])
        #expect(source.reading.auth == .header)
        #expect(source.reading.headerName == "X-Secret")
        #expect(source.reading.tokens == ["IN": "token-old-old-old|token-new-new-new"])
        #expect(source.reading.map == ["online": .clockIn, "away": .breakStart])
        #expect(source.reading.mustCover == ["content-digest", "@method"])
        #expect(source.reading.keyID == "one,two")
        #expect(source.reading.timeZone?.name == "Asia/Tokyo")
        #expect(source.reading.tolerance == .seconds(60))
        #expect(source.reading.requireKey)
        #expect(!source.reading.matchAgentID)
        #expect(source.limits == SourceLimits(deliveriesPerSecond: 50, bodySize: 65_536))
        #expect(source.silence == .seconds(72 * 3600))
        #expect(source.reading.publicURL == "https://rollcall.example/v1/sources/hr/events")
        for secret in ["secret-number-one", "secret-number-two", "token-old-old-old", "token-new-new-new"] {
            #expect(settings.secrets.contains(secret))
            #expect(!settings.report.table.contains(secret))
        }
    }

    @Test(arguments: [
        ("TIME_ZONE", "Europe/Nowhere"), ("TIME_ZONE", "../passwd"), ("TOLERANCE", "0s"), ("AUTH", "charm"),
        ("MAP", "online=lunch"), ("RATE_LIMIT", "0"), ("BODY_LIMIT", "2000000"), ("SILENCE", "soon"),
        ("SILENCE", "400d"),
        ("API_URL", "ftp://api"),
        ("REQUIRE_KEY", "perhaps"),
    ])
    func `a value out of its range refuses to boot and is named`(name: String, value: String) {
        let problems = SettingsFixture.problems(Self.least(.genericBearer, [name: value]))
        #expect(problems.map(\.setting) == ["ROLLCALL_SOURCE_HR_\(name)"])
    }

    @Test(arguments: ["https://clock.example/hooks/", "https://clock.example/", "https://clock.example/in?to=a/"])
    func `the address that signatures cover reaches the source letter by letter`(address: String) throws {
        let settings = try SettingsFixture.load(Self.least(.square, ["PUBLIC_URL": address]))
        #expect(settings.sources.first?.reading.publicURL == address)
        let problems = SettingsFixture.problems(Self.least(.square, ["PUBLIC_URL": "https:///"]))
        #expect(problems.map(\.setting).contains("ROLLCALL_SOURCE_HR_PUBLIC_URL"))
    }

    @Test(arguments: ["CLIENT_ID", "CLIENT_SECRET"])
    func `who must be asked for records needs credentials`(missing: String) {
        let problems = SettingsFixture.problems(Self.least(.personio, [missing: nil]))
        #expect(problems.map(\.setting) == ["ROLLCALL_SOURCE_HR_\(missing)"])
    }

    @Test
    func `the API's address has a default, and its secret is hidden`() throws {
        let settings = try SettingsFixture.load(Self.least(.personio))
        #expect(settings.sources.first?.api?.url == "https://api.personio.de")
        #expect(!settings.report.table.contains("papi-client-secret"))
        #expect(settings.secrets.contains("papi-client-secret"))
        let other = try SettingsFixture.load(Self.least(.personio, ["API_URL": "http://127.0.0.1:9/"]))
        #expect(other.sources.first?.api?.url == "http://127.0.0.1:9")
    }
}
