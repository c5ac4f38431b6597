import Testing

@testable import rollcall

@Suite("secrets in settings")
struct SecretSettingsTests {
    private static let changes: [String: String?] = [
        "ROLLCALL_DATABASE_URL": "postgresql://u:pass-of-database@h/d",
        "ROLLCALL_ENGINE_MAIN_TOKEN": "token-of-main",
        "ROLLCALL_ENGINE_MAIN_WEBHOOK_SECRET": "webhook-secret-of-main",
        "ROLLCALL_BOOTSTRAP_ADMIN_KEY": "bootstrap-key-0123456789-0123456789",
        "ROLLCALL_SOURCES": "till",
        "ROLLCALL_SOURCE_TILL_KIND": "generic-bearer",
        "ROLLCALL_SOURCE_TILL_SECRET": "secret-of-till-1,secret-of-till-2",
        "ROLLCALL_SOURCE_TILL_TOKENS": "in=token-of-event",
    ]
    private static let words = [
        "pass-of-database", "token-of-main", "webhook-secret-of-main", "bootstrap-key", "secret-of-till",
        "token-of-event",
    ]

    @Test func `no secret is printed`() throws {
        let report = try SettingsFixture.load(Self.changes).report
        let json = try report.json()
        for word in Self.words {
            #expect(!report.table.contains(word))
            #expect(!json.contains(word))
        }
        #expect(
            report.rows.contains { $0.setting == "ROLLCALL_ENGINE_MAIN_TOKEN" && $0.value == SettingsReport.hidden }
        )
    }

    @Test func `every secret is known to the log's redaction`() throws {
        let secrets = try SettingsFixture.load(Self.changes).secrets
        for word in Self.words {
            #expect(secrets.contains { $0.contains(word) })
        }
    }

    @Test func `no secret stands in a refusal`() {
        let problems = SettingsFixture.problems([
            "ROLLCALL_BOOTSTRAP_ADMIN_KEY": "too-short-key",
            "ROLLCALL_SOURCES": "till",
            "ROLLCALL_SOURCE_TILL_KIND": "generic-bearer",
            "ROLLCALL_SOURCE_TILL_SECRET": "short-secret",
            "ROLLCALL_SOURCE_TILL_TOKENS": "no-pair-here",
        ])
        let text = SettingsError(problems).description
        #expect(problems.count == 3)
        for word in ["too-short-key", "short-secret", "no-pair-here"] {
            #expect(!text.contains(word))
        }
    }

    @Test(arguments: [
        "ROLLCALL_ENGINE_MAIN_URL", "ROLLCALL_PUBLIC_URL", "ROLLCALL_SOURCE_TILL_PUBLIC_URL",
        "ROLLCALL_SOURCE_TILL_API_URL",
    ])
    func `an address that is refused is not repeated, for it may carry a credential`(name: String) {
        for address in ["api.host?access_token=word-of-access", "ftp://user:word-of-access@api.host"] {
            let problems = SettingsFixture.problems([
                "ROLLCALL_SOURCES": "till",
                "ROLLCALL_SOURCE_TILL_KIND": "generic-bearer",
                "ROLLCALL_SOURCE_TILL_SECRET": "secret-of-till-1",
                name: address,
            ])
            #expect(problems.map(\.setting) == [name])
            let text = SettingsError(problems).description
            #expect(text.contains("it is not an http or https address"), "\(text)")
            #expect(!text.contains("word-of-access") && !text.contains("api.host"), "\(text)")
        }
    }

    @Test(arguments: ["a-secret-in-a-file", "a-secret-in-a-file\n", "a-secret-in-a-file\r\n"])
    func `a secret can come from a file`(content: String) throws {
        let settings = try SettingsFixture.load(
            ["ROLLCALL_ENGINE_MAIN_TOKEN": nil, "ROLLCALL_ENGINE_MAIN_TOKEN_FILE": "/run/secrets/token"],
            files: ["/run/secrets/token": content]
        )
        #expect(settings.engines.map(\.token) == ["a-secret-in-a-file"])
    }

    @Test(arguments: [[:], ["/run/secrets/token": "\n"]] as [[String: String]])
    func `a secret's file that is missing or empty refuses to boot`(files: [String: String]) {
        let problems = SettingsFixture.problems(
            ["ROLLCALL_ENGINE_MAIN_TOKEN": nil, "ROLLCALL_ENGINE_MAIN_TOKEN_FILE": "/run/secrets/token"],
            files: files
        )
        #expect(problems.map(\.setting) == ["ROLLCALL_ENGINE_MAIN_TOKEN_FILE"])
    }

    @Test func `a secret given twice refuses to boot`() {
        let problems = SettingsFixture.problems(
            ["ROLLCALL_ENGINE_MAIN_TOKEN_FILE": "/run/secrets/token"],
            files: ["/run/secrets/token": "x"]
        )
        #expect(problems.map(\.setting) == ["ROLLCALL_ENGINE_MAIN_TOKEN"])
    }
}
