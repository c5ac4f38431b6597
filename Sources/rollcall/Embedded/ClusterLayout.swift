/// Where the parts of an embedded database lie, and how it is set.
struct ClusterLayout: Sendable, Hashable {
    /// The folder that `--embedded` names, absolute.
    var directory: String

    /// PostgreSQL's own files.
    var data: String { "\(directory)/data" }
    /// Where a new cluster is made, so that one half made is never taken for a whole one.
    var unfinishedData: String { "\(directory)/data.unfinished" }
    /// Held by the Rollcall that uses the folder.
    var lock: String { "\(directory)/lock" }
    /// What PostgreSQL's programs said last.
    var commandOutput: String { "\(directory)/command.log" }
    /// What the server says before its own log begins.
    var serverOutput: String { "\(data)/startup.log" }
    var processFile: String { "\(data)/postmaster.pid" }
    var versionFile: String { "\(data)/PG_VERSION" }
    /// Written at each start, included by `postgresql.conf`.
    var settingsFile: String { "\(data)/\(Self.settingsName)" }
    static let settingsName = "rollcall.conf"

    /// The only database.
    static let database = "rollcall"
    /// The cluster's superuser.
    static let user = "postgres"
    /// Names the socket's file; nothing listens on TCP.
    private static let port = 5432
    /// The longest path of a socket's file in bytes, without its NUL.
    ///
    /// Source: `sun_path`, unix(7).
    private static let socketPathLimit = 107

    /// The folder of the socket: inside ``directory``, or in `/tmp` under a name made of it where the path is too long.
    var socketDirectory: String {
        let inside = "\(directory)/socket"
        guard "\(inside)/.s.PGSQL.\(Self.port)".utf8.count > Self.socketPathLimit else { return inside }
        return "/tmp/rollcall-\(String(Self.fingerprint(directory), radix: 36))"
    }

    /// libpq's connection string.
    var connectionString: String {
        "host=\(Self.quotedForLibPQ(socketDirectory)) port=\(Self.port) dbname=\(Self.database) user=\(Self.user)"
    }

    /// The file of settings; `ALTER SYSTEM` and `postgresql.auto.conf` still win over it.
    ///
    /// Durable and small: this is the installation without a database administrator.
    var settings: String {
        """
        # Written by rollcall at each start. To change a setting for good, use ALTER SYSTEM.
        listen_addresses = ''
        port = \(Self.port)
        unix_socket_directories = \(Self.quotedForSettings(socketDirectory))
        unix_socket_permissions = 0700
        max_connections = 100
        shared_buffers = 128MB
        fsync = on
        full_page_writes = on
        synchronous_commit = on
        wal_compression = on
        max_wal_size = 1GB
        checkpoint_timeout = 15min
        autovacuum = on
        timezone = 'UTC'
        log_timezone = 'UTC'
        logging_collector = on
        log_directory = 'log'
        log_filename = 'postgresql-%a.log'
        log_truncate_on_rotation = on
        log_rotation_age = 1d
        log_rotation_size = 0
        log_min_messages = warning

        """
    }

    /// FNV-1a; the same in every run, which Swift's own hash is not.
    private static func fingerprint(_ text: String) -> UInt64 {
        text.utf8.reduce(0xcbf2_9ce4_8422_2325) { hash, byte in (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    }

    private static func quotedForLibPQ(_ text: String) -> String {
        "'" + text.flatMap { $0 == "'" || $0 == "\\" ? ["\\", $0] : [$0] } + "'"
    }

    /// The socket's folder is an item of a list there, so it is quoted within the quotes.
    private static func quotedForSettings(_ text: String) -> String {
        let item = "\"" + text.flatMap { $0 == "\"" ? [$0, $0] : [$0] } + "\""
        return "'" + item.flatMap { $0 == "'" || $0 == "\\" ? [$0, $0] : [$0] } + "'"
    }
}
