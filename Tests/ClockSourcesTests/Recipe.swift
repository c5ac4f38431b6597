import Domain
import Foundation
import TestSupport
import Testing

@testable import ClockSources

/// A page of `docs/sources`: the commands in it, which are run here with a `curl` that only says what it was asked.
struct Recipe {
    var kind: SourceKind
    private var page: RecipePage

    init(_ kind: SourceKind) throws {
        self.kind = kind
        page = try RecipePage(kind.rawValue)
    }

    /// What each block is for, in the page's order.
    var marks: [String] { page.marks }

    /// The settings of the source, as the page's variables make them.
    func settings() throws -> SourceSettings {
        let start = "ROLLCALL_SOURCE_\(kind.rawValue.uppercased().replacing("-", with: "_"))_"
        var values: [String: String] = [:]
        for (name, value) in try page.variables() {
            if name == "ROLLCALL_SOURCES", value == kind.rawValue { continue }
            try #require(name.hasPrefix(start), "\(name)")
            values[String(name.dropFirst(start.count))] = value
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
        var arguments = try Self.words("\(stub)\n\(try page.block(mark))")[...]
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

    /// What a script prints, parted at each NUL.
    private static func words(_ script: String) throws -> [String] {
        let (code, output) = try RecipePage.run(script)
        try #require(code == 0, "needs bash and openssl")
        return output.split(separator: 0, omittingEmptySubsequences: false).dropLast().map {
            String(decoding: $0, as: UTF8.self)
        }
    }
}
