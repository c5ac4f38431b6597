import ArgumentParser
import ClockSources
import Domain
import Foundation
import LibPQ
import NIOCore
import Service

/// `rollcall sources`: what comes of the clock sources, and what would come of a delivery.
struct SourcesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sources",
        abstract: "See what comes of the clock sources, or check a recorded delivery.",
        subcommands: [Check.self, List.self]
    )
}

extension SourcesCommand {
    /// `rollcall sources check NAME FILE`.
    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say what a recorded delivery would do, and do nothing.",
            discussion: """
                FILE is an HTTP request as it came: `POST /v1/sources/NAME/events HTTP/1.1`, headers, a blank line, the body; \
                - for standard input. It is proved and read with the source's settings, as the service would. Exit 1 when it \
                would be refused, says something about somebody whom nobody has mapped, or says what would be lost: in a \
                shape, a word or a local time that cannot be read, too much for one body, or under an id that was used before.
                """
        )

        @OptionGroup var options: SettingsOptions

        @Argument(help: "The source's name, as in ROLLCALL_SOURCES.")
        var name: String

        @Argument(help: "The file with the request, or - for standard input.")
        var file: String

        @Option(help: "As if it arrived at this time (RFC 3339): signed times count for minutes only.")
        var at: String?

        @Flag(help: "Without the database: proof and reading alone.")
        var offline = false

        @Flag(help: "Print JSON, as POST /v1/sources/{source}/verify answers.")
        var json = false

        func run() async throws {
            let arrival = try at.map { text in
                guard let instant = Timestamp(rfc3339: text) else {
                    throw ValidationError("--at: a date and time as RFC 3339 with an offset, like 2026-03-02T08:00:00Z")
                }
                return instant
            }
            let request = try Self.request(in: file)
            if offline {
                let settings = try options.load(for: .check)
                try await check(request, at: arrival ?? Self.now, settings, sourceID: nil, pool: nil)
            } else {
                try await DatabaseCommand.run(options) { settings, pools, clock, _ in
                    let ids = try await pools.readers.rows(
                        "SELECT source_id FROM clock_sources WHERE name = \(name)"
                    ) { row throws(PQError) in try row.column("source_id", as: Int32.self) }
                    try await check(
                        request,
                        at: arrival ?? clock.now(),
                        settings,
                        sourceID: ids.first,
                        pool: pools.readers
                    )
                }
            }
        }

        private func check(
            _ request: RecordedRequest,
            at arrival: Timestamp,
            _ settings: Settings,
            sourceID: Int32?,
            pool: PQPool?
        ) async throws {
            guard let source = settings.sources.first(where: { $0.reading.name == name }) else {
                let names = settings.sources.map(\.reading.name).joined(separator: ", ")
                Terminal.complain(
                    "there is no source \(name) in the settings; there is: \(names.isEmpty ? "none" : names)"
                )
                throw ExitCode(SettingsError.exitCode)
            }
            let check = DeliveryCheck(
                try ConfiguredSource(source, fetcher: nil),
                sourceID: sourceID,
                skew: settings.clockSkew,
                policy: settings.policy,
                pool: pool
            )
            let verdict = try await check.judge(request.delivery(at: arrival))
            if json {
                var buffer = ByteBuffer()
                verdict.write(to: &buffer)
                Terminal.say(String(buffer: buffer))
            } else {
                verdict.lines.forEach(Terminal.say)
            }
            if !verdict.isFine { throw Ending.foundWrong }
        }

        /// Ends the process with 2 for a file that is no request.
        private static func request(in file: String) throws -> RecordedRequest {
            let data =
                file == "-"
                ? FileHandle.standardInput.readDataToEndOfFile() : FileManager.default.contents(atPath: file)
            guard let data else {
                Terminal.complain("\(file) cannot be read")
                throw ExitCode(SettingsError.exitCode)
            }
            do throws(RecordedRequest.Fault) {
                return try RecordedRequest(Array(data))
            } catch {
                Terminal.complain("\(file): \(error)")
                throw ExitCode(SettingsError.exitCode)
            }
        }

        private static var now: Timestamp {
            Timestamp(microseconds: Int64(Date().timeIntervalSince1970 * 1_000_000))
        }
    }

    /// `rollcall sources list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the clock sources with what came of them.")

        @OptionGroup var options: SettingsOptions

        @Flag(help: "Print JSON, one array.")
        var json = false

        func run() async throws {
            try await DatabaseCommand.run(options) { settings, pools, _, _ in
                let sources = try settings.sources.map { try ConfiguredSource($0, fetcher: nil) }
                let standings = try await SourceReads(pool: pools.readers, configured: sources).standings()
                guard json else { return standings.map(\.line).forEach(Terminal.say) }
                var buffer = ByteBuffer()
                buffer.writeJSONArray(standings) { $0.write(to: &$1) }
                Terminal.say(String(buffer: buffer))
            }
        }
    }
}

extension SourceStanding {
    /// The source as a line of a table.
    fileprivate var line: String {
        var words = [
            name, kind ?? "-", state.rawValue, "last seen \(lastSeenAt?.rfc3339 ?? "never")", "today \(today.total)",
            "refused \(today.refused)", "unmatched \(unmatched)",
        ]
        if let since = unfetched.since {
            words.append("unfetched \(unfetched.count) since \(since.rfc3339)")
            words.append(unfetched.reason ?? "")
        }
        return words.joined(separator: "  ")
    }
}
