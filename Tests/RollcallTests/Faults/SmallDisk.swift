import Foundation
import Glibc

/// A small file system of its own, to be filled.
final class SmallDisk: Sendable {
    /// Where tables may lie; belongs to the user the server runs as.
    let folder: String
    private let mount: String

    /// Mounts it; `nil` where that is not allowed.
    init?(megabytes: Int) throws {
        let name = "rollcall-disk-\(UUID().uuidString.prefix(8))"
        mount = FileManager.default.temporaryDirectory.appending(path: name).path
        folder = "\(mount)/tables"
        try FileManager.default.createDirectory(atPath: mount, withIntermediateDirectories: true)
        guard try Self.run("mount", "-t", "tmpfs", "-o", "size=\(megabytes)m", "tmpfs", mount) else {
            try FileManager.default.removeItem(atPath: mount)
            return nil
        }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        if getuid() == 0 { guard try Self.run("chown", "postgres", folder) else { return nil } }
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
