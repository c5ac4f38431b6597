import Glibc
import TestSupport
import Testing

/// No credential, no boot; and what to do about it.
@Suite("Exit codes", .timeLimit(.minutes(3)))
struct ExitCodeTests {
    /// Enough to boot, were there a server.
    private static let settings = Installation.bareSettings.merging([
        "ROLLCALL_DATABASE_URL": "host=127.0.0.1 port=1 user=nobody dbname=none"
    ]) { _, new in new }

    struct Flaw: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var change: @Sendable (inout [String: String]) -> Void
        /// What must be said: the setting's name, and what to do.
        var words: [String]
    }

    private static let flaws = [
        Flaw(
            testDescription: "no database",
            change: { $0["ROLLCALL_DATABASE_URL"] = nil },
            words: ["ROLLCALL_DATABASE_URL", "there is no database", "serve --embedded DIR"]
        ),
        Flaw(
            testDescription: "no engine account",
            change: { settings in settings = settings.filter { !$0.key.contains("ENGINE") } },
            words: ["ROLLCALL_ENGINES", "there is no engine account", "_KIND, _URL and _TOKEN"]
        ),
        Flaw(
            testDescription: "an account without token",
            change: { $0["ROLLCALL_ENGINE_MAIN_TOKEN"] = nil },
            words: ["ROLLCALL_ENGINE_MAIN_TOKEN", "it is not set", "access token"]
        ),
        Flaw(
            testDescription: "an account whose token's file is not there",
            change: { settings in
                settings["ROLLCALL_ENGINE_MAIN_TOKEN"] = nil
                settings["ROLLCALL_ENGINE_MAIN_TOKEN_FILE"] = "/nowhere/token"
            },
            words: ["ROLLCALL_ENGINE_MAIN_TOKEN_FILE", "/nowhere/token", "make it readable"]
        ),
        Flaw(
            testDescription: "a source without secret",
            change: { settings in
                settings["ROLLCALL_SOURCES"] = "till"
                settings["ROLLCALL_SOURCE_TILL_KIND"] = "square"
                settings["ROLLCALL_SOURCE_TILL_PUBLIC_URL"] = "https://clock.example.test/till"
            },
            words: ["ROLLCALL_SOURCE_TILL_SECRET is not set"]
        ),
        Flaw(
            testDescription: "an admin key that is too short",
            change: { $0["ROLLCALL_BOOTSTRAP_ADMIN_KEY"] = "short" },
            words: ["ROLLCALL_BOOTSTRAP_ADMIN_KEY", "32 characters", "openssl rand"]
        ),
        Flaw(
            testDescription: "a misspelt name",
            change: { $0["ROLLCALL_SWEEP_INTERVALL"] = "5s" },
            words: ["ROLLCALL_SWEEP_INTERVALL", "there is no such setting", "did you mean ROLLCALL_SWEEP_INTERVAL?"]
        ),
        Flaw(
            testDescription: "a name of no account",
            change: { $0["ROLLCALL_ENGINE_SPARE_TOKEN"] = "tok_valid_0002" },
            words: ["ROLLCALL_ENGINE_SPARE_TOKEN", "there is no such setting"]
        ),
        Flaw(
            testDescription: "a gap that loses logins",
            change: { $0["ROLLCALL_STOP_START_GAP"] = "1s" },
            words: ["ROLLCALL_STOP_START_GAP", "\"1s\" is not", "from 3s"]
        ),
    ]

    @Test(arguments: flaws)
    func `settings that lack something refuse to boot and say what to do`(flaw: Flaw) async throws {
        var settings = Self.settings
        flaw.change(&settings)
        let outcome = try await RollcallProcess.run("serve", settings: settings)
        #expect(outcome.code == 2, "\(outcome.output)")
        for word in flaw.words { #expect(outcome.output.contains(word), "\(outcome.output)") }
        for secret in [Installation.adminKey, "tok_valid_0001", "tok_valid_0002"] {
            #expect(!outcome.output.contains(secret))
        }
    }

    @Test
    func `several flaws are said together`() async throws {
        var settings = Self.settings
        settings["ROLLCALL_DATABASE_URL"] = nil
        settings["ROLLCALL_ENGINE_MAIN_TOKEN"] = nil
        settings["ROLLCALL_NONSENSE"] = "1"
        let outcome = try await RollcallProcess.run("serve", settings: settings)
        #expect(outcome.code == 2)
        for name in ["ROLLCALL_DATABASE_URL:", "ROLLCALL_ENGINE_MAIN_TOKEN:", "ROLLCALL_NONSENSE:"] {
            #expect(outcome.output.contains(name), "\(outcome.output)")
        }
    }

    @Test
    func `a database without an admin key refuses to boot, and boots with one`() async throws {
        try await withInstallation { installation in
            var settings = installation.settings
            settings["ROLLCALL_BOOTSTRAP_ADMIN_KEY"] = nil
            let outcome = try await RollcallProcess.run("serve", settings: settings)
            #expect(outcome.code == 2, "\(outcome.output)")
            for word in ["ROLLCALL_BOOTSTRAP_ADMIN_KEY", "there is no admin key", "32 random characters"] {
                #expect(outcome.output.contains(word), "\(outcome.output)")
            }
            let made = try await RollcallProcess.run(
                "keys",
                "create",
                "--name",
                "first",
                "--role",
                "admin",
                settings: settings
            )
            #expect(made.code == 0, "\(made.output)")
            let process = try RollcallProcess(["serve"], settings: settings)
            defer { process.kill() }
            _ = try await process.line(containing: #""message":"listening""#)
            process.signal(15)
            #expect(try await process.ending() == .exit(0))
        }
    }

    @Test
    func `a bootstrap key beside an admin key is ignored, and that is said`() async throws {
        try await withInstallation { installation in
            let said = "the bootstrap admin key is ignored"
            let first = try await installation.serve()
            first.process.signal(15)
            #expect(try await first.process.ending() == .exit(0))
            #expect(!first.process.output.contains(said), "\(first.process.output)")
            let other = String(repeating: "another-key-", count: 3)
            let second = try await installation.serve(["ROLLCALL_BOOTSTRAP_ADMIN_KEY": other])
            let line = try await second.process.line(containing: said)
            #expect(line.contains(#""level":"notice""#), "\(line)")
            #expect(try await second.send("GET", "/v1/keys", key: other).status == 401)
            #expect(try await second.send("GET", "/v1/keys").status == 200)
            #expect(!second.process.output.contains(other))
        }
    }

    @Test
    func `a bootstrap key that was revoked makes no admin, and it is said what does`() async throws {
        try await withInstallation { installation in
            let first = try await installation.serve()
            first.process.signal(15)
            #expect(try await first.process.ending() == .exit(0))
            let keys = try await installation.run("keys", "list")
            let id = try #require(keys.output.split(separator: " ").first)
            #expect(try await installation.run("keys", "revoke", String(id)).code == 0)
            let outcome = try await installation.run("serve")
            #expect(outcome.code == 2, "\(outcome.output)")
            for word in [
                "ROLLCALL_BOOTSTRAP_ADMIN_KEY", "this key was revoked", "no other admin key",
                "rollcall keys create --name NAME --role admin",
            ] {
                #expect(outcome.output.contains(word), "\(outcome.output)")
            }
            #expect(!outcome.output.contains(Installation.adminKey) && !outcome.output.contains("none is given"))
            let other = String(repeating: "another-key-", count: 3)
            let second = try await installation.serve(["ROLLCALL_BOOTSTRAP_ADMIN_KEY": other])
            #expect(try await second.send("GET", "/v1/keys", key: other).status == 200)
        }
    }

    @Test(arguments: ["serve", "verify", "status", "migrate"])
    func `a database that cannot be reached is exit code 3`(command: String) async throws {
        var settings = Self.settings
        settings["ROLLCALL_DATABASE_URL"] = "host=127.0.0.1 port=\(try LoopbackPort.free()) user=nobody dbname=none"
        let outcome = try await RollcallProcess.run(command, settings: settings)
        #expect(outcome.code == 3, "\(outcome.output)")
        #expect(outcome.output.contains("is PostgreSQL running, and ROLLCALL_DATABASE_URL right?"))
    }

    @Test
    func `a port that is taken is exit code 3`() async throws {
        try await withInstallation { installation in
            let service = try await installation.serve()
            var settings = installation.settings
            settings["ROLLCALL_HTTP_PORT"] = "\(service.http.port)"
            let outcome = try await RollcallProcess.run("serve", settings: settings)
            #expect(outcome.code == 3, "\(outcome.output)")
            #expect(outcome.output.contains("ROLLCALL_HTTP_HOST and _PORT"), "\(outcome.output)")
            #expect(try await service.http.send("GET", "/readyz").status == 200)
        }
    }

    // Nobody has 192.0.2.0/24, so the usual port for metrics may be taken here or not.
    @Test(arguments: [("ROLLCALL_HTTP_HOST", "host.invalid"), ("ROLLCALL_METRICS_HOST", "192.0.2.1")])
    func `an address that is none of ours is exit code 3`(setting: String, host: String) async throws {
        try await withInstallation { installation in
            var settings = installation.settings
            settings["ROLLCALL_METRICS_PORT"] = nil
            settings[setting] = host
            let outcome = try await RollcallProcess.run("serve", settings: settings)
            #expect(outcome.code == 3, "\(outcome.output)")
            #expect(outcome.output.contains("and those of METRICS"), "\(outcome.output)")
        }
    }

    @Test
    func `a port for metrics that was chosen and is taken is exit code 3`() async throws {
        let taken = try LoopbackPort.listener()
        defer { close(taken) }
        try await withInstallation { installation in
            var settings = installation.settings
            settings["ROLLCALL_METRICS_PORT"] = "\(try LoopbackPort.number(of: taken))"
            let outcome = try await RollcallProcess.run("serve", settings: settings)
            #expect(outcome.code == 3, "\(outcome.output)")
            #expect(outcome.output.contains("and those of METRICS"), "\(outcome.output)")
        }
    }

    @Test
    func `the usual port for metrics is done without while it is taken, and that is said`() async throws {
        // Whoever else has it will do as well.
        let taken = try? LoopbackPort.listener(on: 9464)
        defer { if let taken { close(taken) } }
        try await withInstallation { installation in
            var settings = installation.settings
            settings["ROLLCALL_METRICS_PORT"] = nil
            let process = try RollcallProcess(["serve"], settings: settings)
            defer { process.kill() }
            let said = try await process.line(containing: "the default port is taken")
            #expect(said.contains(#""level":"warning""#) && said.contains("127.0.0.1:9464"), "\(said)")
            let service = try await installation.served(process)
            #expect(try await service.http.send("GET", "/readyz").status == 200)
            process.signal(15)
            #expect(try await process.ending() == .exit(0), "\(process.output)")
        }
    }
}
