import ClockSources
import Domain
import Glibc
import Service
import TestSupport
import Testing

@testable import rollcall

/// What the settings are for the service once they are put together.
@Suite("Composition", .timeLimit(.minutes(1)))
struct CompositionTests {
    /// Puts the least settings with changes together, for the length of the body.
    private func withConfiguration(
        _ changes: [String: String?],
        _ body: (RollcallConfiguration) async throws -> Void
    ) async throws {
        let composition = try Composition(try SettingsFixture.load(changes))
        do {
            try await body(composition.configuration(databaseURL: "dbname=nowhere"))
        } catch {
            await composition.shutdown()
            throw error
        }
        await composition.shutdown()
    }

    @Test
    func `every setting of the service reaches it`() async throws {
        try await withConfiguration([
            "ROLLCALL_DATABASE_CONNECTIONS": "20", "ROLLCALL_MIGRATE": "false", "ROLLCALL_HTTP_HOST": "0.0.0.0",
            "ROLLCALL_HTTP_PORT": "8090", "ROLLCALL_PUBLIC_URL": "https://rollcall.example",
            "ROLLCALL_TRUSTED_PROXIES": "10.0.0.5", "ROLLCALL_BOOTSTRAP_ADMIN_KEY": Installation.adminKey,
            "ROLLCALL_SWEEP_INTERVAL": "5s", "ROLLCALL_OFF_SHIFT_SWEEP_INTERVAL": "2m", "ROLLCALL_CLOCK_SKEW": "30s",
            "ROLLCALL_KEEP_BODIES": "30d",
        ]) { configuration in
            #expect(configuration.databaseURL == "dbname=nowhere")
            #expect(configuration.databaseConnections == 20)
            #expect(!configuration.migrates)
            #expect(configuration.host == "0.0.0.0" && configuration.port == 8090)
            #expect(configuration.publicURL == "https://rollcall.example")
            #expect(configuration.trustedProxies == TrustedProxies(["10.0.0.5"]))
            #expect(configuration.bootstrapAdminKey == Installation.adminKey)
            #expect(configuration.sweep == SweepPolicy(onShift: .seconds(5), offShift: .seconds(120)))
            #expect(configuration.clockSkew == .seconds(30))
            #expect(configuration.keepBodies == .seconds(30 * 86_400))
            #expect(!configuration.redactor.redact(Installation.adminKey).contains("the-key-of-an-admin"))
        }
    }

    @Test
    func `every limit of the decision reaches it`() async throws {
        let changes: [String: String?] = [
            "ROLLCALL_BREAK_ACTION": "stop", "ROLLCALL_RESTART_LIMIT": "5", "ROLLCALL_RESTART_WINDOW": "1h",
            "ROLLCALL_UNMATCHED_MAX_AGE": "90m",
        ]
        try await withConfiguration(changes) { configuration in
            var policy = ReconcilePolicy()
            policy.breakAction = .stop
            policy.restartLimit = 5
            policy.restartWindow = .seconds(3_600)
            policy.unmatchedMaxAge = .seconds(5_400)
            #expect(configuration.policy == policy)
        }
    }

    @Test
    func `an account's settings reach it`() async throws {
        try await withConfiguration([
            "ROLLCALL_ENGINES": "home", "ROLLCALL_ENGINE_MAIN_KIND": nil, "ROLLCALL_ENGINE_MAIN_URL": nil,
            "ROLLCALL_ENGINE_MAIN_TOKEN": nil, "ROLLCALL_ENGINE_HOME_KIND": "waha",
            "ROLLCALL_ENGINE_HOME_URL": "http://127.0.0.1:9001", "ROLLCALL_ENGINE_HOME_TOKEN": "tok_valid_0002",
            "ROLLCALL_ENGINE_HOME_CALLS_PER_SECOND": "7", "ROLLCALL_ENGINE_HOME_CONCURRENCY": "3",
            "ROLLCALL_ENGINE_HOME_TIMEOUT": "9s", "ROLLCALL_ENGINE_HOME_WEBHOOK_SECRET": "secret-of-the-webhooks",
        ]) { configuration in
            let account = try #require(configuration.accounts.first)
            #expect(configuration.accounts.count == 1 && account.name == "home")
            let isWAHA = account.engine is any ListingEngine
            #expect(isWAHA)
            #expect(account.callsPerSecond == 7)
            #expect(account.concurrency == 3)
            #expect(account.timeout == .seconds(9))
            #expect(configuration.webhookSecrets == ["home": "secret-of-the-webhooks"])
        }
    }

    @Test
    func `a call to an engine that says nothing ends after the account's _TIMEOUT`() async throws {
        let silent = try LoopbackPort.listener()
        defer { close(silent) }
        let url = "http://127.0.0.1:\(try LoopbackPort.number(of: silent))"
        try await withConfiguration([
            "ROLLCALL_ENGINE_MAIN_URL": url, "ROLLCALL_ENGINE_MAIN_TIMEOUT": "200ms",
        ]) { configuration in
            let account = try #require(configuration.accounts.first)
            let began = ContinuousClock.now
            let answer = await account.engine.send(.info, to: SessionAddress(instanceID: "i-ana"))
            #expect(answer.httpStatus == nil)
            // The default is 30 s.
            #expect(ContinuousClock.now - began < .seconds(20))
        }
    }

    @Test
    func `a source's settings reach it`() async throws {
        try await withConfiguration([
            "ROLLCALL_SOURCES": "till,hr", "ROLLCALL_SOURCE_TILL_KIND": "generic-bearer",
            "ROLLCALL_SOURCE_TILL_SECRET": "secret-of-the-till", "ROLLCALL_SOURCE_TILL_MATCH_AGENT_ID": "false",
            "ROLLCALL_SOURCE_TILL_RATE_LIMIT": "50", "ROLLCALL_SOURCE_TILL_BODY_LIMIT": "65536",
            "ROLLCALL_SOURCE_TILL_SILENCE": "72h", "ROLLCALL_SOURCE_HR_KIND": "personio",
            "ROLLCALL_SOURCE_HR_SECRET": "secret-of-this-source", "ROLLCALL_SOURCE_HR_CLIENT_ID": "papi-client",
            "ROLLCALL_SOURCE_HR_CLIENT_SECRET": "papi-client-secret",
        ]) { configuration in
            #expect(configuration.sources.map(\.name) == ["till", "hr"])
            #expect(configuration.sources.map { $0.fetcher != nil } == [false, true])
            let till = try #require(configuration.sources.first)
            #expect(till.kind?.rawValue == "generic-bearer")
            #expect(!till.matchesAgentID)
            #expect(till.limits == SourceLimits(deliveriesPerSecond: 50, bodySize: 65_536))
            #expect(till.silence == .seconds(72 * 3_600))
        }
    }

    @Test
    func `alerts are told after what ROLLCALL_ALERT_AFTER says, and nobody is told without an address`() async throws {
        try await withConfiguration([:]) { configuration in #expect(configuration.alerts == nil) }
        try await withConfiguration([
            "ROLLCALL_ALERT_URL": "https://alerts.example/", "ROLLCALL_ALERT_SECRET": AlertInbox.secret,
            "ROLLCALL_ALERT_AFTER": "90s",
        ]) { configuration in
            #expect(configuration.alerts?.after == .seconds(90))
        }
    }
}
