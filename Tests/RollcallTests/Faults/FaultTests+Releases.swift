import LibPQ
import Service
import Testing

/// The release before this one, on the schema of this one and beside it.
extension FaultTests {
    @Test(
        .enabled(if: FaultSuite.runsAll),
        .enabled(if: FaultSuite.lastRelease != nil, "no program of the last release was given")
    )
    func `the last release and this one work side by side`() async throws {
        let last = FaultSuite.lastRelease
        try await FaultRun.endure(
            "two releases",
            "the last release acts alone; this one migrates beside it and takes over in order; the last one comes back and takes "
                + "over from a kill -9, then this one likewise",
            settings: [[:]],
            program: last
        ) { run in
            let applied: PQStatement = "SELECT count(*) AS count FROM schema_migrations"
            let before = try await run.installation.count(applied)
            #expect(before > 0 && before < Int64(Migration.all.count), "the last release has a schema of its own")
            // It migrates while the last one takes events and acts.
            let first = try await run.add()
            #expect(try await run.installation.count(applied) == Int64(Migration.all.count))
            try await expectMixed(0, first, run)
            run.noteFootprints()
            try await run.stop(0)
            try await expectAlone(first, run)

            let back = try await run.add(program: last)
            try await expectMixed(first, back, run)
            try await run.kill(first)
            try await expectAlone(back, run)

            let second = try await run.add()
            try await expectMixed(back, second, run)
            try await run.kill(back)
            run.countFromNow()
            try await expectAlone(second, run)
        }
    }

    /// Waits until two replicas have taken events side by side, and checks that each reads what the other wrote.
    private func expectMixed(_ one: Int, _ other: Int, _ run: FaultRun) async throws {
        let since = FaultLoad.now()
        try await run.untilTaken(120)
        let taken = run.load.attempts(from: since).filter(\.isTaken)
        #expect(Set(taken.map(\.replica)) == [one, other])
        for (writer, reader) in [(one, other), (other, one)] {
            let path = "/v1/agents/written-by-\(writer)-beside-\(reader)"
            let writing = try #require(run.replicas[writer].served)
            let reading = try #require(run.replicas[reader].served)
            let written = try await writing.send("PUT", path, json: #"{"instance":null}"#)
            #expect(written.status == 201, "\(written.text)")
            let read = try await reading.send("GET", path)
            #expect(read.status == 200, "\(read.text)")
        }
    }

    /// Waits until the only replica that is left acts for both accounts, and has commanded a session and taken events since.
    private func expectAlone(_ number: Int, _ run: FaultRun) async throws {
        let since = FaultLoad.now()
        try await run.until("replica \(number) acts for both accounts") {
            FaultRun.accounts.allSatisfy { run.holder(of: $0) == number }
        }
        try await run.until("replica \(number) commands a session") {
            try await run.engine.calls().contains { call in
                call.caller == number && call.operation != "info" && call.receivedAtUs >= since
            }
        }
        try await run.untilTaken(60)
    }
}
