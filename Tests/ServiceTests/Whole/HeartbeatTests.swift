import Domain
import LibPQ
import Testing

/// What follows from a heartbeat keeps no heartbeat waiting: a lease lasts as long as its holder's beats.
@Suite("Heartbeat", .timeLimit(.minutes(2)))
struct HeartbeatTests {
    @Test
    func `it goes on while a parked event waits for the map`() async throws {
        try await withRunningService { service in
            try await service.addWithoutSession("ana")
            let ahead = rfc3339(in: 4)
            let answer = try await service.clock("clock-in", "ana", json: #"{"occurred_at":"\#(ahead)"}"#)
            #expect(answer.status == 202, "\(answer.text)")
            try await service.owner.withTransaction { transaction in
                _ = try await transaction.run(["SELECT pg_advisory_xact_lock(7265, 1)"])
                try await service.until {
                    try await service.count(Self.beats(while: .map)) > 0
                }
                #expect(try await service.agent("ana").shift == "out")
            }
            try await service.until { try await service.agent("ana").shift == "in" }
        }
    }

    @Test
    func `it goes on while what a new lease brings is waited for`() async throws {
        try await withRunningService { service in
            try await service.owner.withTransaction { transaction in
                _ = try await transaction.run(["LOCK TABLE incidents IN ACCESS EXCLUSIVE MODE"])
                // As when another took the lease, and this replica took it again.
                try await service.until {
                    try await service.count("SELECT count(*) AS count FROM engine_leases WHERE holder IS NOT NULL") == 1
                }
                _ = try await service.owner.query("UPDATE engine_leases SET term = term + 1")
                try await service.until {
                    try await service.count(Self.beats(while: .incidents)) > 0
                }
            }
            try await service.add("ana")
            #expect(try await service.clock("clock-in", "ana", wait: 30).status == 200)
        }
    }

    /// What is waited for.
    private enum Wait {
        case map, incidents
    }

    /// How many heartbeats came after something began to wait that still waits.
    private static func beats(while wait: Wait) -> PQStatement {
        """
        SELECT count(*) AS count
        FROM pg_locks l
        JOIN pg_stat_activity a ON a.pid = l.pid
        JOIN replicas r ON r.seen_at > l.waitstart
        WHERE NOT l.granted
          AND a.application_name = 'rollcall write'
          AND a.datname = current_database()
          AND CASE
              WHEN \(wait == .map) THEN l.locktype = 'advisory' AND l.classid = 7265 AND l.objid = 1
              ELSE l.relation = 'incidents'::regclass AND a.query LIKE 'SELECT kind FROM incidents%'
          END
        """
    }
}
