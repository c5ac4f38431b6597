import Domain
import LibPQ
import Logging
import TestSupport
import Testing

@testable import Service

/// A network that breaks while the database commits: what is committed stands, and nobody has heard so.
@Suite("A lost answer", .timeLimit(.minutes(2)))
struct LostAnswerTests {
    @Test
    func `a command that was committed without an answer leaves at once, not after the time that a call may take`()
        async throws
    {
        let cluster = try await ThrowawayCluster.shared()
        let database = try await cluster.makeDatabaseName()
        let proxy = try TCPProxy(to: cluster.port)
        defer { proxy.close() }
        let direct = PQPool(
            PQConfiguration(connectionString: cluster.connectionString(database: database)),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        try await withRunningService {
            $0.databaseURL = cluster.tcpConnectionString(database: database, port: proxy.port)
            $0.callTimeout = .seconds(60)
        } _: { service in
            try await service.add("ana")
            try await service.until("ana") { $0.condition == "converged" }
            try await direct.withConnection { try await $0.simpleQuery(Self.slowCommits) }
            async let answer = service.deliver(#"{"event_id":"e","agent_id":"ana","kind":"clock_in"}"#)
            try await service.until {
                let sleeping: PQStatement = """
                    SELECT count(*) AS count FROM pg_stat_activity
                    WHERE datname = \(database) AND wait_event = 'PgSleep'
                    """
                return try await direct.query(sleeping)[0].column("count", as: Int64.self) == 1
            }
            #expect(proxy.cut() > 0)
            #expect([200, 202].contains(try await answer.status))
            try await service.until("ana") { $0.observed == "WORKING" && $0.condition == "converged" }
            #expect(try await service.engine.commands() == ["start"])
            let verdicts = try await direct.rows("SELECT verdict FROM commands ORDER BY command_id") {
                row throws(PQError) in try row.column("verdict", as: String?.self)
            }
            #expect(verdicts == ["notSent", "ok"], "the first was committed, and given back")
        }
        await direct.shutdown()
    }

    /// An event's commit takes a moment, in which the network can break.
    private static let slowCommits = """
        CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_sleep(0.25);
            RETURN NULL;
        END
        $$;
        CREATE CONSTRAINT TRIGGER dawdle AFTER INSERT ON clock_events DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION dawdle()
        """
}
