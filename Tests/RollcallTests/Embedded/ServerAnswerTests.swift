import Testing

@testable import rollcall

@Suite("ServerAnswer")
struct ServerAnswerTests {
    @Test(
        arguments: [
            (0, "waiting for server to start.... done\nserver started\n", .done),
            (0, "", .done),
            (1, "createdb: error: database creation failed: ERROR:  database \"rollcall\" already exists\n", .done),
            (1, "waiting for server to start... stopped waiting\npg_ctl: server did not start in time\n", .startingUp),
            (1, "createdb: … failed: FATAL:  the database system is starting up\n", .startingUp),
            (1, "createdb: … failed: FATAL:  the database system is not yet accepting connections\n", .startingUp),
            (1, "createdb: … failed: FATAL:  the database system is not accepting connections\n", .startingUp),
            (1, "createdb: … failed: FATAL:  the database system is in recovery mode\n", .startingUp),
            (1, "waiting for server to start... stopped waiting\npg_ctl: could not start server\n", .failed),
            (1, "createdb: … failed: No such file or directory\n\tIs the server running locally?\n", .failed),
            (1, "createdb: … failed: FATAL:  pg_hba.conf rejects connection for host \"[local]\"\n", .failed),
            (1, "createdb: … failed: FATAL:  the database system is shutting down\n", .failed),
            (127, "", .failed),
        ] as [(Int32, String, ServerAnswer)]
    )
    func `only a server that is starting up is worth waiting for`(status: Int32, output: String, answer: ServerAnswer) {
        #expect(ServerAnswer(ChildProcess.Outcome(status: status, output: output)) == answer)
    }
}
