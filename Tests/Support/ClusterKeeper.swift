import Foundation
import Glibc

/// A child process that owns one cluster: it makes the folder, starts and stops the server, and removes everything when
/// this process ends, however it ends.
///
/// It is a shell in a session of its own that reads orders from a socket. Only this process holds the other end, so the
/// end of this process is the end of the orders, and then it cleans up. Orders run one after the other: nothing can be
/// left between a start and a stop.
final class ClusterKeeper: Sendable {
    private let socket: Int32
    /// The cluster's folder, below `/tmp` so that the path of the server's socket stays short.
    let folder: String

    /// Starts the keeper, which makes a new folder.
    ///
    /// Blocks.
    init(binaries: String) throws {
        let (mine, theirs) = try Self.socketPair()
        defer { close(theirs) }
        let process = Process()
        let shell = ["/bin/sh", "-c", Self.script, "keeper", binaries]
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["setsid"] + (getuid() == 0 ? ["runuser", "-u", "postgres", "--"] : []) + shell
        process.currentDirectoryURL = URL(fileURLWithPath: "/")
        let end = FileHandle(fileDescriptor: theirs, closeOnDealloc: false)
        process.standardInput = end
        process.standardOutput = end
        process.standardError = FileHandle.nullDevice
        try process.run()
        socket = mine
        guard let folder = Self.readLine(mine), folder.hasPrefix("/") else {
            throw ClusterError("the cluster's keeper did not start")
        }
        self.folder = folder
    }

    deinit {
        close(socket)
    }

    /// Gives an order and waits for it to be done.
    ///
    /// Blocks.
    ///
    /// - Parameter order: a word of the script below, and what it takes.
    /// - Throws: ``ClusterError`` when it failed.
    func order(_ order: String) throws {
        let line = Array("\(order)\n".utf8)
        guard send(socket, line, line.count, Int32(MSG_NOSIGNAL)) == line.count else {
            throw ClusterError("the cluster's keeper is gone")
        }
        guard Self.readLine(socket) == "0" else { throw ClusterError("\(order.prefix { $0 != " " }) failed") }
    }

    /// What the server wrote into its log so far.
    func log() throws -> String {
        try String(contentsOfFile: "\(folder)/log", encoding: .utf8)
    }

    /// Reads orders until nobody can give any more, then removes everything.
    private static let script = """
        trap '' HUP INT TERM PIPE
        bin=$1
        folder=$(mktemp -d /tmp/rollcall-pg-XXXXXX) || exit 1
        echo "$folder"
        while read -r order argument rest; do
            case $order in
            init)
                printf '%s' "$argument" >"$folder/password"
                "$bin/initdb" -D "$folder/data" -U postgres -E UTF8 --locale=C --no-sync --no-instructions \\
                    --pwfile="$folder/password" --auth-local=trust --auth-host=scram-sha-256 ;;
            clone)
                "$bin/pg_basebackup" -D "$folder/data" -h "$argument" -p "$rest" -U postgres -R -X stream -c fast \\
                    --no-sync ;;
            promote)
                "$bin/pg_ctl" -D "$folder/data" -w -t 60 promote ;;
            set)
                printf '%s = %s\\n' "$argument" "$rest" >>"$folder/data/postgresql.conf" ;;
            start)
                "$bin/pg_ctl" -D "$folder/data" -l "$folder/log" -w -t 60 start ;;
            stop)
                "$bin/pg_ctl" -D "$folder/data" -m "$argument" -w -t 60 stop ;;
            move-log)
                cp -a "$folder/data/pg_wal/." "$argument/" && rm -r "$folder/data/pg_wal" &&
                    ln -s "$argument" "$folder/data/pg_wal" ;;
            revive)
                "$bin/pg_ctl" -D "$folder/data" status || "$bin/pg_ctl" -D "$folder/data" -l "$folder/log" -w -t 60 start ;;
            reload)
                "$bin/pg_ctl" -D "$folder/data" reload ;;
            freeze)
                kill -STOP "$(head -n 1 "$folder/data/postmaster.pid")" ;;
            thaw)
                kill -CONT "$(head -n 1 "$folder/data/postmaster.pid")" ;;
            esac </dev/null >>"$folder/orders.log" 2>&1
            echo $?
        done
        "$bin/pg_ctl" -D "$folder/data" -m immediate -w -t 20 stop </dev/null >/dev/null 2>&1
        rm -rf "$folder"
        """

    /// A pair that no child inherits by accident: a copy of our end elsewhere would keep the keeper alive.
    private static func socketPair() throws -> (Int32, Int32) {
        var ends: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw ClusterError("no socket pair: \(errno)") }
        return (ends[0], ends[1])
    }

    private static func readLine(_ socket: Int32) -> String? {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while read(socket, &byte, 1) == 1 {
            if byte == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
            line.append(byte)
        }
        return nil
    }
}
