import ClockSources
import Domain
import Engines
import Logging
import Service
import Testing

@testable import rollcall

@Suite("LoadSettings")
struct LoadSettingsTests {
    @Test func `the least settings leave everything else at its default`() throws {
        let settings = try SettingsFixture.load()
        #expect(settings.http == Settings.Listener(host: "127.0.0.1", port: 8080, isPortChosen: false))
        #expect(settings.metrics == Settings.Listener(host: "127.0.0.1", port: 9464, isPortChosen: false))
        #expect(settings.policy == ReconcilePolicy())
        #expect(settings.sweepInterval == .seconds(20))
        #expect(settings.offShiftSweepInterval == .seconds(60))
        #expect(settings.policy.unmatchedMaxAge == .seconds(86_400))
        #expect(settings.keepBodies == .seconds(90 * 86_400))
        #expect(settings.clockSkew == .seconds(2))
        #expect(settings.databaseConnections == 12)
        #expect(settings.logLevel == .info)
        #expect(settings.migrates)
        let account = try #require(settings.engines.first)
        #expect(account.tokenPlacement == .body)
        #expect(account.callsPerSecond == 50)
        #expect(account.concurrency == 64)
        #expect(account.timeout == .seconds(30))
        #expect(settings.policy(for: account).callTimeout == .seconds(30))
    }

    @Test(
        arguments: [
            ("ROLLCALL_STOP_START_GAP", "4s", \ReconcilePolicy.stopStartGap, Duration.seconds(4)),
            ("ROLLCALL_STARTING_TIMEOUT", "90s", \.startingTimeout, .seconds(90)),
            ("ROLLCALL_CONFIRM_AFTER", "0s", \.confirmAfter, .zero),
            ("ROLLCALL_START_LOOK_AFTER", "1m", \.startLookAfter, .seconds(60)),
            ("ROLLCALL_UNMATCHED_MAX_AGE", "90m", \.unmatchedMaxAge, .seconds(5_400)),
            ("ROLLCALL_RESTART_WINDOW", "1h", \.restartWindow, .seconds(3_600)),
            ("ROLLCALL_RESTART_SPACING", "500ms", \.restartSpacing, .milliseconds(500)),
        ] as [(String, String, any KeyPath<ReconcilePolicy, Duration> & Sendable, Duration)]
    )
    func `each limit of the decision comes from its setting`(
        name: String,
        text: String,
        path: any KeyPath<ReconcilePolicy, Duration> & Sendable,
        expected: Duration
    ) throws {
        #expect(try SettingsFixture.load([name: text]).policy[keyPath: path] == expected)
    }

    @Test(
        arguments: [
            ("ROLLCALL_CLOCK_SKEW", "30s", \Settings.clockSkew, Duration.seconds(30)),
            ("ROLLCALL_KEEP_BODIES", "30d", \.keepBodies, .seconds(30 * 86_400)),
            ("ROLLCALL_SWEEP_INTERVAL", "5s", \.sweepInterval, .seconds(5)),
            ("ROLLCALL_OFF_SHIFT_SWEEP_INTERVAL", "2m", \.offShiftSweepInterval, .seconds(120)),
        ] as [(String, String, any KeyPath<Settings, Duration> & Sendable, Duration)]
    )
    func `each span beside the decision comes from its setting`(
        name: String,
        text: String,
        path: any KeyPath<Settings, Duration> & Sendable,
        expected: Duration
    ) throws {
        #expect(try SettingsFixture.load([name: text])[keyPath: path] == expected)
    }

    @Test func `what is no span of time comes from its setting as well`() throws {
        let settings = try SettingsFixture.load([
            "ROLLCALL_BREAK_ACTION": "stop", "ROLLCALL_RESTART_LIMIT": "5", "ROLLCALL_DATABASE_CONNECTIONS": "20",
            "ROLLCALL_MIGRATE": "false", "ROLLCALL_LOG_LEVEL": "debug", "ROLLCALL_HTTP_HOST": "0.0.0.0",
            "ROLLCALL_HTTP_PORT": "8090", "ROLLCALL_METRICS_HOST": "10.0.0.7", "ROLLCALL_METRICS_PORT": "9000",
        ])
        #expect(settings.policy.breakAction == .stop)
        #expect(settings.policy.restartLimit == 5)
        #expect(settings.databaseConnections == 20)
        #expect(!settings.migrates)
        #expect(settings.logLevel == .debug)
        #expect(settings.http == Settings.Listener(host: "0.0.0.0", port: 8090, isPortChosen: true))
        #expect(settings.metrics == Settings.Listener(host: "10.0.0.7", port: 9000, isPortChosen: true))
    }

    @Test(arguments: [EngineAccount.TokenPlacement.body, .query, .bearer, .header])
    func `Wawp takes its token where the account's setting says`(placement: EngineAccount.TokenPlacement) throws {
        let settings = try SettingsFixture.load(["ROLLCALL_ENGINE_MAIN_TOKEN_PLACEMENT": placement.rawValue])
        #expect(settings.engines.map(\.tokenPlacement) == [placement])
    }

    @Test func `an account's limits and its webhooks' secret come from its settings`() throws {
        let settings = try SettingsFixture.load([
            "ROLLCALL_ENGINE_MAIN_CALLS_PER_SECOND": "7", "ROLLCALL_ENGINE_MAIN_CONCURRENCY": "3",
            "ROLLCALL_ENGINE_MAIN_TIMEOUT": "9s", "ROLLCALL_ENGINE_MAIN_WEBHOOK_SECRET": "secret-of-the-webhooks",
        ])
        let account = try #require(settings.engines.first)
        #expect(account.callsPerSecond == 7)
        #expect(account.concurrency == 3)
        #expect(account.timeout == .seconds(9))
        #expect(settings.policy(for: account).callTimeout == .seconds(9))
        #expect(account.webhookSecret == "secret-of-the-webhooks")
    }

    @Test(arguments: [("100ms", true), ("3s", true), ("4999ms", true), ("5s", false), ("30s", false)])
    func `a time-out that a stop may outlast is taken, and said so`(timeout: String, isSaid: Bool) throws {
        let settings = try SettingsFixture.load(["ROLLCALL_ENGINE_MAIN_TIMEOUT": timeout])
        #expect(settings.engines.count == 1)
        let isThere = settings.notices.contains {
            $0.contains("ROLLCALL_ENGINE_MAIN_TIMEOUT") && $0.contains(" \(timeout):")
        }
        #expect(isThere == isSaid)
    }

    @Test(arguments: [
        ("wawp", "http://v2"), ("wawp", "https://v2/"), ("wawp", "http://engine/v2/x"), ("waha", "http://api"),
        ("waha", "http://api:3000"), ("waha", "https://api/waha/"),
    ])
    func `a host that is called as what every call begins with is a host`(kind: String, url: String) throws {
        let account = try SettingsFixture.load([
            "ROLLCALL_ENGINE_MAIN_KIND": kind, "ROLLCALL_ENGINE_MAIN_URL": url,
        ]).engines.first
        #expect(account?.url == (url.hasSuffix("/") ? String(url.dropLast()) : url))
    }

    @Test(arguments: [("wawp", "http://v2/v2"), ("waha", "http://api/api"), ("waha", "https://x/y/api/")])
    func `a path that every call begins with is refused on whatever host`(kind: String, url: String) {
        let problems = SettingsFixture.problems([
            "ROLLCALL_ENGINE_MAIN_KIND": kind, "ROLLCALL_ENGINE_MAIN_URL": url,
        ])
        #expect(problems.map(\.setting) == ["ROLLCALL_ENGINE_MAIN_URL"])
    }

    @Test func `a source without an address of its own has one under the public address`() throws {
        let settings = try SettingsFixture.load([
            "ROLLCALL_PUBLIC_URL": "https://rollcall.example/", "ROLLCALL_SOURCES": "till",
            "ROLLCALL_SOURCE_TILL_KIND": "square", "ROLLCALL_SOURCE_TILL_SECRET": "secret-of-the-till",
        ])
        #expect(settings.publicURL == "https://rollcall.example")
        #expect(settings.sources.first?.reading.publicURL == "https://rollcall.example/v1/sources/till/events")
    }

    @Test func `a sender's API is asked where and with what its settings say`() throws {
        let settings = try SettingsFixture.load([
            "ROLLCALL_SOURCES": "hr", "ROLLCALL_SOURCE_HR_KIND": "personio",
            "ROLLCALL_SOURCE_HR_SECRET": "secret-of-this-source", "ROLLCALL_SOURCE_HR_API_URL": "https://api.example",
            "ROLLCALL_SOURCE_HR_CLIENT_ID": "papi-client", "ROLLCALL_SOURCE_HR_CLIENT_SECRET": "papi-client-secret",
        ])
        let expected = SourceAPISettings(
            url: "https://api.example",
            clientID: "papi-client",
            clientSecret: "papi-client-secret"
        )
        #expect(settings.sources.first?.api == expected)
    }

    @Test(arguments: [
        ("ROLLCALL_STOP_START_GAP", "2s"), ("ROLLCALL_STOP_START_GAP", "3"), ("ROLLCALL_CONFIRM_AFTER", "-1s"),
        ("ROLLCALL_CONFIRM_AFTER", "1.5s"), ("ROLLCALL_HTTP_PORT", "65536"), ("ROLLCALL_HTTP_PORT", "http"),
        ("ROLLCALL_BREAK_ACTION", "pause"), ("ROLLCALL_LOG_LEVEL", "loud"), ("ROLLCALL_MIGRATE", "maybe"),
        ("ROLLCALL_DATABASE_CONNECTIONS", "0"), ("ROLLCALL_PUBLIC_URL", "rollcall.example"),
        ("ROLLCALL_ENGINE_MAIN_KIND", "telegraph"), ("ROLLCALL_ENGINE_MAIN_URL", "ftp://engine"),
        ("ROLLCALL_ENGINE_MAIN_URL", "http://engine/v2"), ("ROLLCALL_ENGINE_MAIN_TOKEN_PLACEMENT", "cookie"),
        ("ROLLCALL_ENGINE_MAIN_CALLS_PER_SECOND", "0"), ("ROLLCALL_ENGINE_MAIN_TIMEOUT", "1ms"),
        ("ROLLCALL_BOOTSTRAP_ADMIN_KEY", "short"), ("ROLLCALL_TRUSTED_PROXIES", "10.0.0.0/40"),
        ("ROLLCALL_TRUSTED_PROXIES", "10.0.0.5,proxy.example"),
    ])
    func `a value out of its range refuses to boot and is named`(name: String, text: String) {
        let problems = SettingsFixture.problems([name: text])
        #expect(problems.map(\.setting) == [name])
        #expect(problems.allSatisfy { !$0.remedy.isEmpty })
    }

    @Test(arguments: [
        ("ROLLCALL_DATABASE_URL", "ROLLCALL_DATABASE_URL"),
        ("ROLLCALL_ENGINE_MAIN_TOKEN", "ROLLCALL_ENGINE_MAIN_TOKEN"),
        ("ROLLCALL_ENGINE_MAIN_URL", "ROLLCALL_ENGINE_MAIN_URL"),
        ("ROLLCALL_ENGINE_MAIN_KIND", "ROLLCALL_ENGINE_MAIN_KIND"),
    ])
    func `without a credential there is no boot`(missing: String, named: String) {
        #expect(SettingsFixture.problems([missing: nil]).map(\.setting) == [named])
        #expect(SettingsFixture.problems([missing: ""]).map(\.setting) == [named])
    }

    @Test func `without an engine account there is no boot`() {
        let changes: [String: String?] = [
            "ROLLCALL_ENGINES": nil, "ROLLCALL_ENGINE_MAIN_KIND": nil, "ROLLCALL_ENGINE_MAIN_URL": nil,
            "ROLLCALL_ENGINE_MAIN_TOKEN": nil,
        ]
        #expect(SettingsFixture.problems(changes).map(\.setting) == ["ROLLCALL_ENGINES"])
        #expect(SettingsFixture.problems(changes, for: .command).isEmpty)
    }

    @Test func `an embedded database needs no connection string, and takes none`() throws {
        let settings = try SettingsFixture.load(["ROLLCALL_DATABASE_URL": nil], for: .serve(embedded: true))
        #expect(settings.databaseURL == nil)
        #expect(SettingsFixture.problems(for: .serve(embedded: true)).map(\.setting) == ["ROLLCALL_DATABASE_URL"])
    }

    @Test func `all problems are told at once`() {
        let problems = SettingsFixture.problems([
            "ROLLCALL_HTTP_PORT": "x", "ROLLCALL_MIGRATE": "x", "ROLLCALL_ENGINE_MAIN_TOKEN": nil,
        ])
        #expect(
            Set(problems.map(\.setting)) == ["ROLLCALL_HTTP_PORT", "ROLLCALL_MIGRATE", "ROLLCALL_ENGINE_MAIN_TOKEN"]
        )
    }

    @Test func `WAHA takes its key in a header, and no other place or address is accepted`() throws {
        let kind: [String: String?] = ["ROLLCALL_ENGINE_MAIN_KIND": "waha"]
        let account = try #require(try SettingsFixture.load(kind).engines.first)
        #expect(account.kind.rawValue == "waha" && account.tokenPlacement == .header)
        for (setting, text) in [
            ("ROLLCALL_ENGINE_MAIN_TOKEN_PLACEMENT", "body"), ("ROLLCALL_ENGINE_MAIN_URL", "http://engine/api"),
        ] {
            let problems = SettingsFixture.problems(kind.merging([setting: text]) { _, new in new })
            #expect(problems.map(\.setting) == [setting])
        }
        #expect(try SettingsFixture.load(["ROLLCALL_ENGINE_MAIN_URL": "http://engine/api"]).engines.count == 1)
    }

    @Test func `port 0 turns metrics off, and a chosen port is known as chosen`() throws {
        #expect(try SettingsFixture.load(["ROLLCALL_METRICS_PORT": "0"]).metrics == nil)
        #expect(try SettingsFixture.load(["ROLLCALL_METRICS_PORT": "9464"]).metrics?.isPortChosen == true)
    }

    @Test func `a proxy on another host is believed once it is named, and check-config says which`() throws {
        #expect(try SettingsFixture.load().trustedProxies == .loopback)
        let settings = try SettingsFixture.load(["ROLLCALL_TRUSTED_PROXIES": "10.0.0.5, fd00::/8"])
        #expect(settings.trustedProxies == TrustedProxies(["10.0.0.5", "fd00::/8"]))
        let row = settings.report.rows.first { $0.setting == "ROLLCALL_TRUSTED_PROXIES" }
        #expect(row?.value == "10.0.0.5,fd00::/8")
    }
}
