import Foundation

/// Finds the programs of an installed PostgreSQL server.
enum PostgresBinaries {
    /// The oldest major version that the project supports.
    static let oldestVersion = 15

    /// The folder with `initdb` and `pg_ctl`: what `pg_config` names, else the newest one Debian installed.
    static func folder() throws -> String {
        let candidates = configured().map { [$0] } ?? []
        guard let found = (candidates + packaged()).first(where: isComplete) else {
            throw ClusterError("no PostgreSQL \(oldestVersion) or newer is installed (initdb, pg_ctl, postgres)")
        }
        return found
    }

    private static func configured() -> String? {
        let output = Pipe()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["pg_config", "--bindir"]
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        // Without `pg_config` the packaged folders are looked at.
        guard (try? process.run()) != nil else { return nil }
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        let folder = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        return folder.isEmpty ? nil : folder
    }

    private static func packaged() -> [String] {
        let root = "/usr/lib/postgresql"
        // No such folder: nothing is packaged there.
        let versions = ((try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []).compactMap { Int($0) }
        return versions.filter { $0 >= oldestVersion }.sorted(by: >).map { "\(root)/\($0)/bin" }
    }

    private static func isComplete(_ folder: String) -> Bool {
        ["initdb", "pg_ctl", "postgres"].allSatisfy {
            FileManager.default.isExecutableFile(atPath: "\(folder)/\($0)")
        }
    }
}

/// Why a throwaway cluster did not do what a test asked.
package struct ClusterError: Error, CustomStringConvertible {
    /// What went wrong.
    package var description: String

    init(_ description: String) {
        self.description = description
    }
}
