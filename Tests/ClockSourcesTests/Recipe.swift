import Domain
import Foundation
import Testing

@testable import ClockSources

/// A page of `docs/sources`: the commands in it, which are run here with a `curl` that only says what it was asked.
struct Recipe {
    var kind: SourceKind
    private var blocks: [(mark: String, commands: String)]

    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/sources")
        .standardizedFileURL

    init(_ kind: SourceKind) throws {
        self.kind = kind
        let text = try String(contentsOf: Self.folder.appending(path: "\(kind.rawValue).md"), encoding: .utf8)
        blocks = text.matches(of: /```sh\n# (\w+)\n((?s:.*?))```/).map { (String($0.1), String($0.2)) }
        try #require(blocks.count == text.components(separatedBy: "```").count / 2, "a block without a mark")
    }

    /// What each block is for, in the page's order.
    var marks: [String] { blocks.map(\.mark) }

    /// The settings of the source, as the page's variables make them.
    func settings() throws -> SourceSettings {
        let script = try block("settings") + "\nenv -0"
        let start = "ROLLCALL_SOURCE_\(kind.rawValue.uppercased().replacing("-", with: "_"))_"
        var values: [String: String] = [:]
        for line in try Self.run(script) where line.hasPrefix("ROLLCALL_") {
            let sides = line.split(separator: "=", maxSplits: 1).map(String.init)
            if sides == ["ROLLCALL_SOURCES", kind.rawValue] { continue }
            try #require(sides.count == 2 && sides[0].hasPrefix(start), "\(line)")
            values[String(sides[0].dropFirst(start.count))] = sides[1]
        }
        return try settings(from: values)
    }

    private func settings(from values: [String: String]) throws -> SourceSettings {
        var settings = SourceSettings(name: kind.rawValue, kind: kind, secrets: [])
        for (name, value) in values {
            switch name {
            case "KIND": try #require(value == kind.rawValue)
            case "SECRET": settings.secrets = [value]
            case "PUBLIC_URL": settings.publicURL = value
            case "TIME_ZONE": settings.timeZone = try systemZone(value)
            case "KEY_ID": settings.keyID = value
            case "REQUIRE_KEY": settings.requireKey = value == "true"
            case "TOKENS":
                for pair in value.split(separator: ",") {
                    let sides = pair.split(separator: "=").map(String.init)
                    settings.tokens[sides[0]] = sides[1]
                }
            // What fetches records knows these; the adapter does not.
            case "CLIENT_ID", "CLIENT_SECRET", "API_URL": #expect(kind == .personio)
            default: Issue.record("this test does not know _\(name)")
            }
        }
        return settings
    }

    /// The request that a block's `curl` makes, as it would arrive.
    func delivery(_ mark: String, receivedAt: Timestamp) throws -> Delivery {
        let stub = #"set -eu; A=http://127.0.0.1:8080; curl() { printf '%s\0' "$@"; };"#
        var delivery = Delivery(headers: [], body: [], receivedAt: receivedAt)
        var arguments = try Self.run("\(stub)\n\(try block(mark))")[...]
        while let argument = arguments.popFirst() {
            switch argument {
            case "-fsS", "-sS": break
            case "-o", "-w": arguments.removeFirst()
            case "--data-binary": delivery.body = Array(arguments.removeFirst().utf8)
            case "-H":
                let sides = arguments.removeFirst().split(separator: ":", maxSplits: 1)
                delivery.headers.append((String(sides[0]), sides[1].trimmingCharacters(in: .whitespaces)))
            default:
                let route = "http://127.0.0.1:8080/v1/sources/\(kind.rawValue)/events"
                try #require(argument.hasPrefix(route), "\(argument)")
                let rest = argument.dropFirst(route.count).split(separator: "?", omittingEmptySubsequences: false)
                if rest[0].hasPrefix("/") { delivery.token = String(rest[0].dropFirst()) }
                if rest.count == 2 { delivery.query = String(rest[1]) }
            }
        }
        return delivery
    }

    private func block(_ mark: String) throws -> String {
        try #require(blocks.first { $0.mark == mark }, "\(kind): no block \(mark)").commands
    }

    /// What a script prints, parted at each NUL.
    private static func run(_ script: String) throws -> [String] {
        let bash = Process()
        bash.executableURL = URL(filePath: "/usr/bin/env")
        bash.arguments = ["-i", "PATH=/usr/local/bin:/usr/bin:/bin", "bash", "-c", script]
        let output = Pipe()
        bash.standardOutput = output
        try bash.run()
        let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
        bash.waitUntilExit()
        try #require(bash.terminationStatus == 0, "needs bash and openssl")
        return bytes.split(separator: 0, omittingEmptySubsequences: false).dropLast().map {
            String(decoding: $0, as: UTF8.self)
        }
    }
}
