import Foundation
import TestSupport
import Testing

@testable import rollcall

/// What `Dockerfile` and `docker-compose.yml` name is there, and does what they expect; nothing is built.
@Suite("Containers", .timeLimit(.minutes(2)))
struct ContainerTests {
    private static let root = RecipePage.folder.appending(path: "../..").standardizedFileURL

    private func text(_ name: String) throws -> String {
        try String(contentsOf: Self.root.appending(path: name), encoding: .utf8).replacing("\\\n", with: " ")
    }

    /// The stages of the image, the one that builds first.
    private func stages() throws -> [String] {
        Array(try text("Dockerfile").components(separatedBy: "\nFROM ").dropFirst())
    }

    /// What a stage installs.
    private func packages(_ stage: String) throws -> Set<String> {
        let line = try #require(stage.firstMatch(of: /apt-get -qq install -y --no-install-recommends ([^&]*)/))
        return Set(line.1.split(separator: " ").map(String.init))
    }

    @Test
    func `what is copied into the image is there, and is all that the package consists of`() throws {
        let copied = try stages()[0].matches(of: /\nCOPY (\S+) (\S+)/).map { String($0.1) }
        #expect(copied.contains("Sources") && copied.contains("Package.swift"))
        let sent = try text(".dockerignore")
        for path in copied {
            #expect(FileManager.default.fileExists(atPath: Self.root.appending(path: path).path), "\(path)")
            #expect(sent.contains("!\(path)\n"), "\(path) is not sent to the builder")
        }
        // A folder of a target that is missing fails the build, whatever is built.
        let folders = try text("Package.swift").matches(of: /path: "([^"\/]+)/).map { String($0.1) }
        #expect(!folders.isEmpty)
        for folder in folders + ["Sources", "Tests"] { #expect(copied.contains(folder), "\(folder)") }
    }

    @Test
    func `the image is built and run with the libraries that the package needs`() throws {
        let stages = try stages()
        try #require(stages.count == 2)
        let needed = try text("scripts/prerequisites").matches(of: #/\n +need (\S+-dev) /#).map { String($0.1) }
        #expect(needed.contains("libpq-dev"))
        #expect(try packages(stages[0]) == Set(needed + ["pkg-config"]))
        let run = try packages(stages[1])
        let libraries = ["libpq-dev": "libpq5", "zlib1g-dev": "zlib1g"]
        for name in needed {
            let library = try #require(libraries[name], "say here what \(name) is at run time")
            #expect(run.contains(library))
        }
        #expect(run.isSuperset(of: ["tzdata", "ca-certificates", "curl"]), "the check of its health needs curl")
    }

    /// The lines of one service of the compose file.
    private func service(_ name: String) throws -> String {
        let services = try text("docker-compose.yml").components(separatedBy: "\nservices:\n").last ?? ""
        return try #require(
            services.firstMatch(of: try Regex("(?m)^  \(name):\n((?:    .*\n|\n)*)"))?.output[1].substring
        )
        .description
    }

    @Test
    func `the settings of the service are enough to boot`() throws {
        let lines = try service("rollcall").matches(of: /\n +(ROLLCALL_\w+): (.+)/)
        let environment = Dictionary(lines.map { (String($0.1), String($0.2)) }) { first, _ in first }
        let image = try stages()[1].matches(of: /(ROLLCALL_\w+)=(\S+)/).map { (String($0.1), String($0.2)) }
        let all = environment.merging(image) { first, _ in first }
        let settings = try LoadSettings.load(environment: all, for: .serve(embedded: false)) { _ in nil }
        #expect(settings.http.host == "0.0.0.0" && settings.http.port == 8080)
        let simulator = try service("simulator")
        #expect(settings.engines.map(\.url) == ["http://simulator:8091"])
        #expect(simulator.contains(#""--port", "8091""#))
        let key = try #require(environment["ROLLCALL_BOOTSTRAP_ADMIN_KEY"])
        #expect(try service("demo").contains("DEMO_ADMIN_KEY: \(key)\n"))
    }

    @Test
    func `the image's check asks whether the process lives, at the port that is set; the demo waits until it is ready`()
        throws
    {
        let check = try #require(try stages()[1].firstMatch(of: /\nHEALTHCHECK .*/)).output
        #expect(check.contains("http://127.0.0.1:${ROLLCALL_HTTP_PORT:-8080}/livez") && !check.contains("/readyz"))
        #expect(try service("rollcall").contains("http://127.0.0.1:8080/readyz"))
    }

    @Test
    func `the commands of the other services are ones that there are`() async throws {
        let order = try #require(try service("simulator").firstMatch(of: /command: \[(.*)\]/))
        var words = order.1.split(separator: ",").map { $0.trimmingCharacters(in: [" ", "\""]) }
        words[words.count - 1] = "0"
        let simulator = try RollcallProcess(words)
        defer { simulator.kill() }
        _ = try await simulator.line(containing: "engine simulator at http://0.0.0.0:")
        let demo = try service("demo").matches(of: /\n +- (.*)/).map { String($0.1) }
        #expect(demo.first == "demo" && demo.count == 4)
        // All that it lacks is the key.
        let outcome = try RollcallProcess(demo)
        defer { outcome.kill() }
        #expect(try await outcome.ending() == .exit(2))
        #expect(outcome.output.contains("set DEMO_ADMIN_KEY"), "\(outcome.output)")
    }
}
