/// How to reach a database, and the bounds of a pool of connections to it.
public struct PQConfiguration: Sendable {
    /// libpq's `key=value` pairs or URI; several hosts and `target_session_attrs` are allowed.
    ///
    /// May hold a password.
    public var connectionString: String
    /// The most connections at a time.
    public var maxConnections: Int
    /// Connections kept open even when nobody asks.
    public var minConnections = 0
    /// The most callers that wait for a connection; the next is refused with `poolOverloaded`.
    public var maxWaiters = 1024
    /// How long a caller waits for a connection before `poolTimeout`.
    ///
    /// When no connection could be made for that long, callers are refused at once with `connectionFailed` until one
    /// can.
    public var acquireTimeout: Duration = .seconds(5)
    /// How long connecting to one host may take, TLS and authentication included.
    public var connectTimeout: Duration = .seconds(5)
    /// The client's deadline of a call that names none; `nil` waits for ever.
    ///
    /// Scripts have none.
    public var callTimeout: Duration? = .seconds(30)
    /// How long the server has to answer after it was asked to cancel; then the connection is given up.
    public var cancelGrace: Duration = .seconds(2)
    /// The server's limit for one statement (`statement_timeout`); `nil` keeps the server's setting.
    public var statementTimeout: Duration?
    /// The server's limit for doing nothing inside a transaction (`idle_in_transaction_session_timeout`).
    public var idleInTransactionTimeout: Duration?
    /// Server settings for each connection, such as `role` or `synchronous_commit`.
    public var sessionSettings: [String: String] = [:]
    /// Shown in `pg_stat_activity`; `nil` keeps the connection string's.
    public var applicationName: String?
    /// How long a connection above ``minConnections`` may do nothing before it is closed.
    public var idleTimeout: Duration = .seconds(300)
    /// How long a TCP connection may be silent before the kernel asks whether the server is there.
    public var keepaliveIdle: Duration = .seconds(10)
    /// The pause between two such questions.
    public var keepaliveInterval: Duration = .seconds(5)
    /// How many unanswered questions end the connection.
    public var keepaliveCount = 3
    /// How long sent bytes may stay unacknowledged before the connection ends (`TCP_USER_TIMEOUT`).
    public var tcpUserTimeout: Duration = .seconds(10)
    /// How many prepared statements a connection keeps; the one unused for longest makes room.
    public var statementCacheLimit = 256

    /// A configuration with the defaults above.
    public init(connectionString: String, maxConnections: Int = 12) {
        self.connectionString = connectionString
        self.maxConnections = maxConnections
    }

    /// Throws ``PQError/Kind/invalidInput`` when the connection string or a bound makes no sense; touches no network.
    public func validate() throws(PQError) {
        guard maxConnections > 0, minConnections >= 0, minConnections <= maxConnections, maxWaiters >= 0 else {
            throw PQError(.invalidInput, "bounds of the pool")
        }
        guard sessionSettings.keys.allSatisfy(Self.isSettingName) else {
            throw PQError(.invalidInput, "the name of a session setting")
        }
        _ = try ConnectTarget(self)
    }

    /// Letters, digits, underscores and dots: all that a setting's name needs.
    private static func isSettingName(_ name: String) -> Bool {
        !name.isEmpty
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."): true
                default: false
                }
            }
    }
}

extension PQConfiguration: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Shows no part of the connection string.
    public var description: String { "database (\(maxConnections) connections at most)" }
    /// Shows no part of the connection string.
    public var debugDescription: String { description }
    /// Shows no part of the connection string.
    public var customMirror: Mirror { Mirror(self, children: ["maxConnections": maxConnections]) }
}
