import Domain
import LibPQ
import NIOCore

/// Whether somebody acts for an engine account, whether the engine answers, and what waits for it.
struct EnginePulse: Sendable, Equatable {
    /// The account's name.
    var engine: String
    /// Whether a live replica holds the account's lease and can write what it finds out.
    var isActing: Bool
    /// Since when nothing that was asked was answered; `nil` while the engine answers.
    var silentSince: Timestamp?
    /// What waits in line, and when what people asked for is done; nothing where nobody acts.
    var line = LineForecast()

    /// The same as who is bound to teams may know it: what waits is the whole account's, other teams' sessions included.
    var withoutLine: EnginePulse {
        var pulse = self
        pulse.line = LineForecast()
        return pulse
    }

    /// From then on without an answer to anything that was asked, what is known of its sessions counts as old; `pulse.js` has the same.
    private static let silenceLimit = Duration.seconds(3)

    /// Whether what is known of its sessions may not be true any more.
    func isUncertain(now: Timestamp) -> Bool {
        !isActing || silentSince.map { now - $0 > Self.silenceLimit } ?? false
    }

    /// For how many seconds after its beat a row counts; whoever acts writes one with every heartbeat.
    private static let lifetimeSeconds = 10

    /// The accounts that agents have sessions on, of these teams where teams are named.
    ///
    /// What a holder before could not write is nothing of its successor's, which may be of a release that does not say so.
    /// Reads as many rows as there are accounts. Indexes: `engine_leases_pkey`, `replicas_pkey`, `engine_pulses_pkey`,
    /// `instances_of_account`, `agents_of_team`, `instances_agent_key`.
    ///
    /// `withUnused`: those besides that nobody has a session on.
    static func statement(teams: [String]? = nil, withUnused: Bool = false) -> PQStatement {
        """
        SELECT e.name,
            coalesce(r.expires_at > now(), false)
                AND (p.unwritten_since IS NULL OR p.unwritten_since < l.since) AS acting,
            p.silent_since, coalesce(p.line_asked, 0) AS asked, coalesce(p.line_people, 0) AS people,
            coalesce(p.line_repair, 0) AS repair, coalesce(p.line_look, 0) AS look, coalesce(p.line_sweep, 0) AS sweep,
            p.finishes_at, p.predicted_at
        FROM engine_accounts e
        LEFT JOIN engine_leases l ON l.account = e.account
        LEFT JOIN replicas r ON r.replica = l.holder
        LEFT JOIN engine_pulses p ON p.account = e.account AND p.beat_at > now() - interval '\(figure: lifetimeSeconds) s'
        WHERE \(withUnused)
          OR \(teams)::text[] IS NULL AND EXISTS (SELECT FROM instances x WHERE x.account = e.account AND x.agent IS NOT NULL)
          OR EXISTS (
            SELECT FROM agents a JOIN instances x ON x.agent = a.agent
            WHERE a.team = ANY (\(teams)) AND x.account = e.account
          )
        ORDER BY e.name
        """
    }

    func write(to buffer: inout ByteBuffer) {
        var object = JSONObjectWriter(&buffer)
        object.member("engine", engine, into: &buffer)
        object.member("acting", isActing, into: &buffer)
        object.member("silent_since", silentSince, into: &buffer)
        object.name("line", into: &buffer)
        var counts = JSONObjectWriter(&buffer)
        counts.member("people", line.counts.people, into: &buffer)
        counts.member("repair", line.counts.repair, into: &buffer)
        counts.member("look", line.counts.look, into: &buffer)
        counts.member("sweep", line.counts.sweep, into: &buffer)
        counts.end(&buffer)
        object.member("asked", line.asked, into: &buffer)
        object.member("finishes_at", line.finishesAt, into: &buffer)
        object.member("predicted_at", line.predictedAt, into: &buffer)
        object.end(&buffer)
    }
}

extension EnginePulse {
    init(_ row: PQRow) throws(PQError) {
        engine = try row.column("name", as: String.self)
        isActing = try row.column("acting", as: Bool.self)
        silentSince = try row.column("silent_since", as: Timestamp?.self)
        line = LineForecast(
            asked: Int(try row.column("asked", as: Int32.self)),
            counts: LineCounts(
                people: Int(try row.column("people", as: Int32.self)),
                repair: Int(try row.column("repair", as: Int32.self)),
                look: Int(try row.column("look", as: Int32.self)),
                sweep: Int(try row.column("sweep", as: Int32.self))
            ),
            finishesAt: try row.column("finishes_at", as: Timestamp?.self),
            predictedAt: try row.column("predicted_at", as: Timestamp?.self)
        )
    }
}

/// The pulses as last read, and which reading it was.
struct EnginePulses: Sendable {
    private(set) var version: UInt64 = 0
    /// `nil` while nobody knows: before the first reading, and after what was read was forgotten.
    private(set) var engines: [EnginePulse]?

    /// Takes in a reading.
    ///
    /// - Returns: whether it is news.
    mutating func take(_ latest: [EnginePulse]) -> Bool {
        guard latest != engines else { return false }
        version += 1
        engines = latest
        return true
    }

    /// Nobody looks any more: what was read says nothing of later.
    mutating func forget() { engines = nil }
}
