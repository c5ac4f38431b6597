import FoundationEssentials
import Glibc

/// The steps of an embedded database's life, each one or two of PostgreSQL's own programs.
struct PostgresCluster: ~Copyable, Sendable {
    let layout: ClusterLayout
    private let installation: PostgresInstallation
    /// `nil` when PostgreSQL runs as ourselves.
    private let user: ServerUser?
    private let lock: DirectoryLock
    private let startTimeout: Duration

    /// Takes hold of the folder and finds the programs.
    ///
    /// `startTimeout`: how long ``start()`` waits, whole seconds.
    init(layout: ClusterLayout, startTimeout: Duration) throws(EmbeddedError) {
        // pg_ctl hands the folder to a shell, within double quotes.
        guard !layout.directory.contains(where: { "\"$`\\\n".contains($0) }) else {
            throw EmbeddedError(.folderUnusable, "the folder's name may not have quotes, dollars or backslashes in it")
        }
        let user = try ServerUser.needed()
        try Self.makeDirectory(layout.directory, for: nil, mode: 0o755)
        let lock = try DirectoryLock(path: layout.lock)
        installation = try PostgresInstallation.find(dataVersion: Self.version(in: layout))
        self.layout = layout
        self.user = user
        self.lock = lock
        self.startTimeout = startTimeout
    }

    /// Whether a server runs on the folder's data.
    ///
    /// - Parameter lookingOnly: asks the kernel about the process alone, which costs next to nothing.
    /// - Returns: `false` also when there is no cluster yet.
    /// - Throws: when pg_ctl cannot be run.
    func isRunning(lookingOnly: Bool = false) async throws(EmbeddedError) -> Bool {
        guard let process = serverProcess() else { return false }
        guard Self.isAlive(process) else { return false }
        if lookingOnly { return true }
        // After a crash of the machine the number may be another process's: pg_ctl looks closer.
        return try await outcome("pg_ctl", ["status", "-D", layout.data]).status == 0
    }

    /// Makes the cluster unless there is one; cancelled, it makes none and throws.
    func makeUnlessThere() async throws(EmbeddedError) {
        if Self.version(in: layout) == nil { try await makeCluster() }
    }

    /// Starts the server of a cluster that is there, and waits until it takes connections or the time is up, cancelled or not.
    ///
    /// - Throws: when it does not run; that it is still starting up is no failure.
    func start() async throws(EmbeddedError) {
        try Self.makeDirectory(layout.socketDirectory, for: user, mode: 0o700)
        try write(layout.settings, to: layout.settingsFile)
        let started = try await outcome(
            "pg_ctl",
            ["start", "-D", layout.data, "-l", layout.serverOutput, "-w", "-t", "\(startTimeout.components.seconds)"],
            leavesServer: true
        )
        if ServerAnswer(started) == .failed { throw failure("pg_ctl", started) }
    }

    /// Makes the database unless it is there.
    ///
    /// - Returns: `false` while the server is still starting up.
    func makeDatabase() async throws(EmbeddedError) -> Bool {
        let arguments = ["-h", layout.socketDirectory, "-U", ClusterLayout.user, ClusterLayout.database]
        let made = try await outcome("createdb", arguments)
        switch ServerAnswer(made) {
        case .done: return true
        case .startingUp: return false
        case .failed: throw failure("createdb", made)
        }
    }

    /// Ends sessions and stops the server, cancelled or not.
    ///
    /// - Returns: whether one ran.
    /// - Throws: when it is still there.
    func stop() async throws(EmbeddedError) -> Bool {
        guard try await isRunning() else { return false }
        try await perform("pg_ctl", ["stop", "-D", layout.data, "-m", "fast", "-w", "-t", "60"])
        // Empty by now; a folder outside ours would stay behind in /tmp.
        rmdir(layout.socketDirectory)
        return true
    }

    private func makeCluster() async throws(EmbeddedError) {
        // What an interrupted start left behind; nothing was ever stored in it.
        try? FileManager.default.removeItem(atPath: layout.unfinishedData)
        try Self.makeDirectory(layout.unfinishedData, for: user, mode: 0o700)
        try await perform(
            "initdb",
            [
                "-D", layout.unfinishedData, "-U", ClusterLayout.user, "-A", "trust", "-E", "UTF8",
                "--locale=C.UTF-8", "--data-checksums", "--no-instructions",
            ],
            // What it leaves is thrown away by the next start.
            endsWhenCancelled: true
        )
        let main = "\(layout.unfinishedData)/postgresql.conf"
        do {
            let standard = try String(contentsOfFile: main, encoding: .utf8)
            try write("\(standard)\ninclude_if_exists = '\(ClusterLayout.settingsName)'\n", to: main)
            try FileManager.default.moveItem(atPath: layout.unfinishedData, toPath: layout.data)
        } catch {
            throw EmbeddedError(.folderUnusable, "cannot write to \(layout.directory)")
        }
    }

    /// The number in the first line of `postmaster.pid`.
    private func serverProcess() -> Int32? {
        // No file: no server.
        let text = try? String(contentsOfFile: layout.processFile, encoding: .utf8)
        return text?.split(separator: "\n").first.flatMap { Int32($0) }.flatMap { $0 > 0 ? $0 : nil }
    }

    private static func isAlive(_ process: Int32) -> Bool {
        // EPERM would say that it is there but another's.
        guard kill(process, 0) == 0 || errno == EPERM else { return false }
        // In a container nobody may collect the dead: they keep their number in state Z. Source: proc(5), stat.
        guard let stat = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
            let name = stat.lastIndex(of: ")")
        else { return true }
        return !stat[name...].dropFirst().drop { $0 == " " }.hasPrefix("Z")
    }

    private static func version(in layout: ClusterLayout) -> Int? {
        // No file: no cluster yet.
        let text = try? String(contentsOfFile: layout.versionFile, encoding: .utf8)
        return text.flatMap { Int($0.prefix { $0.isNumber }) }
    }

    private func perform(
        _ program: String,
        _ arguments: [String],
        endsWhenCancelled: Bool = false
    ) async throws(EmbeddedError) {
        let outcome = try await outcome(program, arguments, endsWhenCancelled: endsWhenCancelled)
        guard outcome.status == 0 else { throw failure(program, outcome) }
    }

    private func outcome(
        _ program: String,
        _ arguments: [String],
        leavesServer: Bool = false,
        endsWhenCancelled: Bool = false
    ) async throws(EmbeddedError) -> ChildProcess.Outcome {
        let command = ["\(installation.binaries)/\(program)"] + arguments
        return try await ChildProcess(
            command: user?.wrapping(command) ?? command,
            workingDirectory: layout.directory,
            leavesServer: leavesServer,
            endsWhenCancelled: endsWhenCancelled,
            outputPath: layout.commandOutput
        )
        .run()
    }

    private func failure(_ program: String, _ outcome: ChildProcess.Outcome) -> EmbeddedError {
        var advice = ""
        if let user, outcome.output.contains("Permission denied") {
            advice = "; the user \(user.name) must be able to reach \(layout.directory), so not below /root"
        }
        let words = outcome.output.suffix(600).split(separator: "\n").joined(separator: " | ")
        return EmbeddedError(.commandFailed, "\(program) ended with \(outcome.status): \(words)\(advice)")
    }

    private func write(_ text: String, to path: String) throws(EmbeddedError) {
        do {
            try text.write(toFile: path, atomically: false, encoding: .utf8)
        } catch {
            throw EmbeddedError(.folderUnusable, "cannot write \(path)")
        }
        if let user { chown(path, user.userID, user.groupID) }
    }

    /// Makes a folder of that mode and owner; one that is there must belong to the owner.
    private static func makeDirectory(_ path: String, for user: ServerUser?, mode: UInt32) throws(EmbeddedError) {
        let files = FileManager.default
        if !files.fileExists(atPath: path) {
            do {
                try files.createDirectory(atPath: path, withIntermediateDirectories: true)
            } catch {
                throw EmbeddedError(.folderUnusable, "cannot make the folder \(path)")
            }
            chmod(path, mode)
            if let user { chown(path, user.userID, user.groupID) }
            return
        }
        guard mode == 0o700 else { return }
        let owner = (try? files.attributesOfItem(atPath: path))?[.ownerAccountID] as? UInt32
        guard owner == nil || owner == user?.userID ?? geteuid() else {
            throw EmbeddedError(.folderUnusable, "\(path) belongs to another user")
        }
        chmod(path, mode)
    }
}
