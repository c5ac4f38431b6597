package import LibPQ
package import Logging

/// The connections of one process, kept apart by what they are for, so that readers can never starve writers.
package struct Pools: Sendable {
    /// Appends, passes and housekeeping.
    package let writers: PQPool
    /// Lists, pages and streams.
    package let readers: PQPool

    /// The share of connections for writers: two appends, a pass per account, sweeps and the heartbeat.
    private static let writerShare = 6

    /// How long a writing transaction may be left without a statement, and so keep its locks, until the database ends it.
    package static let idleInTransactionTimeout: Duration = .seconds(1)

    /// `connections`: 4 or more in all.
    package init(
        databaseURL: String,
        connections: Int,
        idleInTransactionTimeout: Duration = Self.idleInTransactionTimeout,
        logger: Logger
    ) {
        let shares = Self.shares(of: connections)
        var writing = Self.writing(databaseURL, connections: shares.writers)
        writing.idleInTransactionTimeout = idleInTransactionTimeout
        writers = PQPool(writing, logger: logger)
        readers = PQPool(Self.reading(databaseURL, connections: shares.readers), logger: logger)
    }

    /// How many connections each pool gets; one more is the connection that listens.
    ///
    /// `connections`: 4 or more in all.
    static func shares(of connections: Int) -> (writers: Int, readers: Int) {
        let writers = max(2, min(writerShare, connections - 2))
        return (writers, max(1, connections - writers - 1))
    }

    /// A connection for migrations and the like: as the login role, which owns the tables.
    ///
    /// The server asks after us as well: once no statement runs, the lock of a machine that vanished keeps the others waiting for
    /// half a minute, not for hours. `client_connection_check_interval`, which would end the statement too, is not set: a server
    /// on a platform without it refuses the connection.
    package static func owning(_ databaseURL: String) -> PQConfiguration {
        var configuration = PQConfiguration(connectionString: databaseURL, maxConnections: 2)
        configuration.applicationName = "rollcall migrate"
        configuration.sessionSettings = [
            "tcp_keepalives_idle": "10",
            "tcp_keepalives_interval": "5",
            "tcp_keepalives_count": "3",
            "tcp_user_timeout": "10000",
        ]
        return configuration
    }

    /// A connection that asks how the server commits for us; as the login role, since the schema may not be there yet.
    package static func asking(_ databaseURL: String) -> PQConfiguration {
        var configuration = PQConfiguration(connectionString: databaseURL, maxConnections: 1)
        configuration.applicationName = "rollcall check-config"
        configuration.acquireTimeout = .seconds(3)
        configuration.callTimeout = .seconds(3)
        configuration.sessionSettings = ["synchronous_commit": "on"]
        return configuration
    }

    /// The connection on which replicas wake each other.
    static func listening(_ databaseURL: String) -> PQConfiguration {
        var configuration = PQConfiguration(connectionString: databaseURL, maxConnections: 1)
        configuration.applicationName = "rollcall listen"
        configuration.sessionSettings = ["role": "rollcall_app"]
        return configuration
    }

    package func shutdown() async {
        await writers.shutdown()
        await readers.shutdown()
    }

    /// The hot statements reach every row by an index from a short array, whatever the tables' statistics say: a plan
    /// made while the tables were empty must not stay a scan once they are large.
    private static func writing(_ databaseURL: String, connections: Int) -> PQConfiguration {
        var configuration = PQConfiguration(connectionString: databaseURL, maxConnections: connections)
        configuration.minConnections = 2
        configuration.applicationName = "rollcall write"
        configuration.acquireTimeout = .milliseconds(700)
        configuration.callTimeout = .seconds(5)
        configuration.cancelGrace = .milliseconds(200)
        configuration.sessionSettings = [
            "role": "rollcall_app",
            "synchronous_commit": "on",
            "plan_cache_mode": "force_generic_plan",
            "enable_seqscan": "off",
            "enable_hashjoin": "off",
            "enable_mergejoin": "off",
            "jit": "off",
        ]
        return configuration
    }

    /// Lists and pages are made of statements whose plan does not depend on their values, and planning one costs more
    /// than running it.
    private static func reading(_ databaseURL: String, connections: Int) -> PQConfiguration {
        var configuration = PQConfiguration(connectionString: databaseURL, maxConnections: connections)
        configuration.minConnections = 1
        configuration.applicationName = "rollcall read"
        configuration.acquireTimeout = .milliseconds(700)
        configuration.statementTimeout = .seconds(5)
        configuration.callTimeout = .seconds(8)
        configuration.sessionSettings = [
            "role": "rollcall_app",
            "plan_cache_mode": "force_generic_plan",
            "jit": "off",
        ]
        return configuration
    }
}
