import ClockSources
import Domain
import Testing

@testable import rollcall

@Suite("SettingsLayers")
struct SettingsLayersTests {
    @Test func `the environment wins over the file, and the file over the default`() throws {
        let yaml = "http_port: 8081\nhttp_host: 0.0.0.0\nstop_start_gap: 5s\n"
        let settings = try SettingsFixture.load(["ROLLCALL_HTTP_PORT": "8082"], yaml: yaml)
        #expect(settings.http == Settings.Listener(host: "0.0.0.0", port: 8082, isPortChosen: true))
        #expect(settings.policy.stopStartGap == .seconds(5))
        let origins = Dictionary(uniqueKeysWithValues: settings.report.rows.map { ($0.setting, $0.origin) })
        #expect(origins["ROLLCALL_HTTP_PORT"] == .environment)
        #expect(origins["ROLLCALL_HTTP_HOST"] == .file)
        #expect(origins["ROLLCALL_CLOCK_SKEW"] == .default)
    }

    @Test func `a file alone can hold everything`() throws {
        let yaml = """
            # the whole installation
            database_url: postgresql:///rollcall
            engines:
              main:
                kind: wawp
                url: https://engine.example/
                token_file: /run/token
                calls_per_second: 20
              night-shift:
                kind: wawp
                url: https://night.example
                token: tok_valid_0002
            sources:
              till:
                kind: generic-bearer
                secret: [first-secret-of-till, second-secret-of-till]
            """
        let settings = try LoadSettings.load(environment: [:], yaml: yaml, for: .serve(embedded: false)) {
            $0 == "/run/token" ? "tok_valid_0001\n" : nil
        }
        #expect(settings.engines.map(\.name) == ["main", "night-shift"])
        #expect(settings.engines.map(\.token) == ["tok_valid_0001", "tok_valid_0002"])
        #expect(settings.engines.map(\.callsPerSecond) == [20, 50])
        #expect(settings.engines[0].url == "https://engine.example")
        #expect(settings.sources.map(\.reading.secrets) == [["first-secret-of-till", "second-secret-of-till"]])
    }

    @Test func `the environment may replace one value of an account in the file`() throws {
        let yaml = "engines:\n  night-shift:\n    kind: wawp\n    url: http://a.example\n    token: tok_valid_0002\n"
        let settings = try LoadSettings.load(
            environment: [
                "ROLLCALL_DATABASE_URL": "dbname=x", "ROLLCALL_ENGINE_NIGHT_SHIFT_URL": "http://b.example",
            ],
            yaml: yaml,
            for: .serve(embedded: false)
        ) { _ in nil }
        #expect(settings.engines.map(\.url) == ["http://b.example"])
    }

    @Test func `a list of accounts in the environment leaves the file's others aside, and says so`() throws {
        let yaml = "engines:\n  spare:\n    kind: wawp\n"
        let settings = try SettingsFixture.load(yaml: yaml)
        #expect(settings.engines.map(\.name) == ["main"])
        #expect(settings.notices.contains { $0.contains("engines.spare.kind") })
    }

    @Test(arguments: ["", "\n# nothing yet\n", "---\n"])
    func `an empty file says nothing`(yaml: String) throws {
        #expect(try SettingsFixture.load(yaml: yaml).http.port == 8080)
    }

    @Test(arguments: ["- a\n- b\n", "just text", "a: [", "http_port: {a: {b: [1, {c: 2}]}}"])
    func `a file that is no map of settings is refused`(yaml: String) {
        #expect(!SettingsFixture.problems(yaml: yaml).isEmpty)
    }

    @Test func `values that look like the library's own marks are kept apart from keys`() throws {
        let yaml = "http_host: \"a=<REDACTED>, metrics_port\"\npublic_url: \"http://x.example\"\n"
        let settings = try SettingsFixture.load(yaml: yaml)
        #expect(settings.http.host == "a=<REDACTED>, metrics_port")
        #expect(settings.publicURL == "http://x.example")
    }
}
