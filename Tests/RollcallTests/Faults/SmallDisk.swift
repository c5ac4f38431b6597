import Foundation
import Glibc
import Testing

/// A small file system of its own, to be filled.
final class SmallDisk: Sendable {
    /// Why a test that needs one is skipped where ``canBeMounted`` is false.
    static let skipped: Comment = "no file system can be mounted here: that needs root and tmpfs"

    /// Whether one can be mounted here; tried once.
    static let canBeMounted: Bool = {
        // Whatever goes wrong: it cannot.
        guard let disk = try? SmallDisk(megabytes: 1) else { return false }
        disk.remove()
        return true
    }()

    /// Where the server may write; belongs to the user it runs as.
    let folder: String
    private let mount: String

    /// What went wrong while one was mounted.
    struct Failure: Error {
        var reason: String
    }

    /// Mounts it.
    init(megabytes: Int) throws {
        let name = "rollcall-disk-\(UUID().uuidString.prefix(8))"
        mount = FileManager.default.temporaryDirectory.appending(path: name).path
        folder = "\(mount)/server"
        try FileManager.default.createDirectory(atPath: mount, withIntermediateDirectories: true)
        guard try Self.run("mount", "-t", "tmpfs", "-o", "size=\(megabytes)m", "tmpfs", mount) else {
            try FileManager.default.removeItem(atPath: mount)
            throw Failure(reason: "not mounted")
        }
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            guard try getuid() != 0 || Self.run("chown", "postgres", folder) else {
                throw Failure(reason: "not given to the server's user")
            }
        } catch {
            remove()
            throw error
        }
    }

    /// Leaves no room.
    func fill() throws {
        _ = try Self.run("dd", "if=/dev/zero", "of=\(mount)/ballast", "bs=64k", "status=none")
    }

    /// Leaves as much room as there was.
    func empty() throws {
        try FileManager.default.removeItem(atPath: "\(mount)/ballast")
    }

    /// Takes the file system away once the server that uses it has gone.
    func remove() {
        // Whoever still uses it keeps it until the end; it is detached at once.
        _ = try? Self.run("umount", "-l", mount)
        try? FileManager.default.removeItem(atPath: mount)
    }

    private static func run(_ words: String...) throws -> Bool {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = words
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus == 0
    }
}
