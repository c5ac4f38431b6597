import Domain
import LibPQ
import NIOCore

/// Whether somebody acts for an engine account, and whether the engine answers.
struct EnginePulse: Sendable, Equatable {
    /// The account's name.
    var engine: String
    /// Whether a live replica holds the account's lease.
    var isActing: Bool
    /// Since when nothing that was asked was answered; `nil` while the engine answers.
    var silentSince: Timestamp?

    /// The accounts that agents have sessions on.
    ///
    /// Reads as many rows as there are accounts. Indexes: `engine_leases_pkey`, `replicas_pkey`, `engine_pulses_pkey`,
    /// `instances_session_key`.
    static let statement: PQStatement = """
        SELECT e.name, coalesce(r.expires_at > now(), false) AS acting,
            CASE WHEN p.beat_at > now() - interval '10 s' THEN p.silent_since END AS silent_since
        FROM engine_accounts e
        LEFT JOIN engine_leases l ON l.account = e.account
        LEFT JOIN replicas r ON r.replica = l.holder
        LEFT JOIN engine_pulses p ON p.account = e.account
        WHERE EXISTS (SELECT FROM instances x WHERE x.account = e.account AND x.agent IS NOT NULL)
        ORDER BY e.name
        """

    func write(to buffer: inout ByteBuffer) {
        var object = JSONObjectWriter(&buffer)
        object.member("engine", engine, into: &buffer)
        object.member("acting", isActing, into: &buffer)
        object.member("silent_since", silentSince, into: &buffer)
        object.end(&buffer)
    }
}

extension EnginePulse {
    init(_ row: PQRow) throws(PQError) {
        engine = try row.column("name", as: String.self)
        isActing = try row.column("acting", as: Bool.self)
        silentSince = try row.column("silent_since", as: Timestamp?.self)
    }
}

/// The pulses as last read, and which reading it was.
struct EnginePulses: Sendable {
    var version: UInt64 = 0
    var engines: [EnginePulse] = []

    /// Takes in a reading.
    ///
    /// - Returns: whether it is news.
    mutating func take(_ latest: [EnginePulse]) -> Bool {
        guard version == 0 || latest != engines else { return false }
        version += 1
        engines = latest
        return true
    }
}
