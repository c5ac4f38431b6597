import ArgumentParser
import Foundation
import LibPQ
import Logging
import NIOCore
import Service

/// What every command that needs settings shares.
struct SettingsOptions: ParsableArguments {
    @Option(help: "A YAML file with settings; the environment goes before it.")
    var config: String?

    /// Reads the settings, or ends the process with 2 and everything that is wrong with them.
    func load(for purpose: LoadSettings.Purpose) throws -> Settings {
        var yaml: String?
        if let config {
            guard let text = try? String(contentsOfFile: config, encoding: .utf8) else {
                Terminal.complain("--config: \(config) cannot be read")
                throw ExitCode(SettingsError.exitCode)
            }
            yaml = text
        }
        do {
            return try LoadSettings.load(environment: ProcessInfo.processInfo.environment, yaml: yaml, for: purpose) {
                path in
                // What cannot be read is one of the problems that loading reports.
                try? String(contentsOfFile: path, encoding: .utf8)
            }
        } catch {
            Terminal.complain(error.description)
            throw ExitCode(SettingsError.exitCode)
        }
    }
}

/// How commands end.
enum Ending {
    /// Something was found wrong.
    static let foundWrong = ExitCode(1)
    /// What is needed cannot be reached.
    static let unreachable = ExitCode(3)

    /// Says what became of a command that failed, and gives its exit code.
    static func code(for error: any Error) -> ExitCode {
        switch error {
        case let code as ExitCode:
            return code
        case let error as PQError:
            Terminal.complain("\(error): is PostgreSQL running, and ROLLCALL_DATABASE_URL right?")
            return unreachable
        case let error as EmbeddedError:
            Terminal.complain(error.description)
            return unreachable
        case is IOError, is SocketAddressError, is SocketAddressError.UnknownHost:
            Terminal.complain("\(error): can ROLLCALL_HTTP_HOST and _PORT, and those of METRICS, be listened on?")
            return unreachable
        case let error as SettingsError:
            Terminal.complain(error.description)
            return ExitCode(SettingsError.exitCode)
        case let error as NoAdminKey:
            return code(for: SettingsError.noAdminKey(error.bootstrap))
        default:
            Terminal.complain("\(error)")
            return foundWrong
        }
    }
}

extension Settings {
    /// Sets up logging for the process: one JSON object a line, secrets blotted out.
    ///
    /// `least`: less is not said, whatever the settings ask for.
    func bootstrapLogging(atLeast least: Logger.Level = .trace) -> Logger {
        let level = max(logLevel, least)
        let redactor = Redactor(secrets: secrets)
        LoggingSystem.bootstrap { StructuredLogHandler(label: $0, level: level, redactor: redactor) }
        return Logger(label: "rollcall")
    }

    /// The database, or the problem that there is none.
    func requireDatabase() throws(SettingsError) -> String {
        guard let databaseURL else {
            throw SettingsError([
                .init(
                    setting: "ROLLCALL_DATABASE_URL",
                    fault: "it is not set",
                    remedy: LoadSettings.databaseOfCommand
                )
            ])
        }
        return databaseURL
    }
}
