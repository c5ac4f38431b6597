import LibPQ
import TestSupport
import Testing

/// A database that restarts, fails over, waits for its standby, or cannot be reached.
@Suite("Faults: database", .timeLimit(.minutes(15)))
struct DatabaseFaultTests {
    @Test
    func `a failover by promotion loses nothing that was taken`() async throws {
        let primary = try await ThrowawayCluster.start()
        let standby = try await primary.startStandby()
        try await primary.set("synchronous_standby_names", to: "'ANY 1 (*)'")
        try await FaultRun.endure(
            "failover",
            "the primary crashes, its synchronous standby is promoted; two hosts in the connection string",
            cluster: primary,
            standby: standby
        ) { run in
            let ready = try await run.live[0].served?.http.send("GET", "/readyz")
            #expect(ready?.text.contains(#""durability":"replicated""#) == true)
            let checked = try await run.installation.run("check-config")
            #expect(checked.output.contains(/durability +replicated/), "\(checked.output)")
            try await primary.stop(mode: .immediate)
            let since = FaultLoad.now()
            run.countFromNow()
            // A new primary that waited for a standby of its own would take nothing.
            try await standby.set("synchronous_standby_names", to: "''")
            run.noteOutage(from: since)
            try await standby.promote()
        }
    }

    @Test(.enabled(if: FaultSuite.runsAll))
    func `without its standby nothing is taken, and nobody waits`() async throws {
        let primary = try await ThrowawayCluster.start()
        let standby = try await primary.startStandby()
        try await primary.set("synchronous_standby_names", to: "'ANY 1 (*)'")
        try await FaultRun.endure(
            "standby lost",
            "the only synchronous standby is away for 12 s",
            cluster: primary,
            standby: standby
        ) { run in
            try await standby.stop(mode: .immediate)
            let since = FaultLoad.now()
            try await run.last(.seconds(12))
            // A second for what was under way when it went.
            let meanwhile = run.load.attempts(from: since + 1_000_000, to: FaultLoad.now())
            #expect(meanwhile.count > 10)
            expectRefused(meanwhile, "standby lost")
            run.noteOutage(from: since)
            try await standby.startAgain()
            run.countFromNow()
        }
    }

    @Test(.enabled(if: FaultSuite.runsAll))
    func `a server that restarts or crashes is found again`() async throws {
        let cluster = try await ThrowawayCluster.start()
        // What was answered must survive the crash of the server, not of the machine: its files need no sync for that.
        try await FaultRun.endure(
            "server restart",
            "PostgreSQL restarted 3 times, then crashed 3 times",
            cluster: cluster
        ) { run in
            var before: ThrowawayCluster.StopMode?
            for mode in [ThrowawayCluster.StopMode.fast, .fast, .fast, .immediate, .immediate, .immediate] {
                try await cluster.stop(mode: mode)
                let since = FaultLoad.now()
                // Longer than a lease lasts, once of each kind.
                if mode != before {
                    try await run.last(.seconds(6))
                    expectRefused(run.load.attempts(from: since), "stopped (\(mode.rawValue))")
                }
                before = mode
                run.noteOutage(from: since)
                try await cluster.startAgain()
                run.countFromNow()
                try await run.untilTaken(30)
            }
        }
    }

    @Test(.enabled(if: FaultSuite.runsAll))
    func `connections that are cut again and again are made again`() async throws {
        let proxy = try TCPProxy(to: try await ThrowawayCluster.shared().port)
        defer { proxy.close() }
        try await FaultRun.endure(
            "connections cut",
            "every connection of one of two replicas to the database cut 30 times",
            settings: [[FaultRun.proxyPort: "\(proxy.port)"], [:]]
        ) { run in
            for _ in 0..<30 {
                #expect(proxy.cut() > 0)
                run.countFromNow()
                try await run.untilTaken(10)
            }
        }
    }

    /// Everybody is told, and within a second: who heard nothing waited for as long as a sender does.
    private func expectRefused(_ attempts: [History.Attempt], _ what: String) {
        let slowest = attempts.map { $0.answeredAt - $0.sentAt }.max() ?? 0
        print("\(what): refused \(attempts.count) times, after \(slowest / 1000) ms at the latest")
        #expect(!attempts.isEmpty, "\(what): nothing is proved")
        let others = attempts.filter { $0.status != 503 }
        #expect(others.isEmpty, "\(what): \(others.prefix(5))")
        #expect(slowest < 1_000_000)
    }

    @Test(.enabled(if: FaultSuite.runsAll))
    func `a link that swallows everything keeps nobody waiting for long`() async throws {
        let proxy = try TCPProxy(to: try await ThrowawayCluster.shared().port)
        defer { proxy.close() }
        try await FaultRun.endure(
            "half-open link",
            "the link of one of two replicas to the database swallows everything for 10 s",
            settings: [[FaultRun.proxyPort: "\(proxy.port)"], [:]]
        ) { run in
            proxy.setForwarding(false)
            let since = FaultLoad.now()
            try await run.last(.seconds(10))
            let meanwhile = run.load.attempts(from: since)
            expectRefused(meanwhile.filter { $0.replica == 0 }, "swallowed")
            let beside = meanwhile.filter { $0.replica != 0 }
            let untaken = beside.filter { !$0.isTaken }
            #expect(!beside.isEmpty && untaken.isEmpty, "\(untaken.prefix(5))")
            // What was swallowed never comes; whoever still waits for it learns that the connection is gone.
            proxy.cut()
            proxy.setForwarding(true)
            run.countFromNow()
        }
    }

    @Test(.enabled(if: FaultSuite.runsAll))
    func `who is cut off with nobody to take over sends nothing once its leases are over`() async throws {
        let proxy = try TCPProxy(to: try await ThrowawayCluster.shared().port)
        defer { proxy.close() }
        // So few calls that commands wait in line.
        var settings = [FaultRun.proxyPort: "\(proxy.port)"]
        for account in FaultRun.accounts { settings["ROLLCALL_ENGINE_\(account.uppercased())_CALLS_PER_SECOND"] = "2" }
        try await FaultRun.endure(
            "cut off alone",
            "the link of the only replica to the database swallows everything for 8 s, with commands in line",
            settings: [settings]
        ) { run in
            let open: PQStatement = "SELECT count(*) AS count FROM commands WHERE ended_at IS NULL"
            try await run.until("commands wait in line") { try await run.installation.count(open) >= 2 }
            proxy.setForwarding(false)
            let since = FaultLoad.now()
            try await run.last(.seconds(8))
            let over = run.sights.filter { $0.seenAt > $0.beatAt + 6_000_000 && $0.beatAt < since + 1_000_000 }
            #expect(Set(over.map(\.account)) == Set(FaultRun.accounts), "its leases are over, and nobody's but its own")
            expectRefused(run.load.attempts(from: since), "cut off alone")
            // As above.
            proxy.cut()
            proxy.setForwarding(true)
            run.countFromNow()
        }
    }

    @Test(.enabled(if: FaultSuite.runsAll))
    func `a pool whose every connection waits refuses in time`() async throws {
        try await FaultRun.endure(
            "pool exhaustion",
            "a lock on the ledger keeps every connection of the writers' pools waiting for 8 s"
        ) { run in
            try await run.installation.owner.withTransaction { transaction in
                try await transaction.query("SET LOCAL statement_timeout = 0")
                try await transaction.query("LOCK TABLE clock_events IN ACCESS EXCLUSIVE MODE")
                let locked = FaultLoad.now()
                try await transaction.query("SELECT pg_sleep(8)", timeout: .seconds(30))
                let meanwhile = run.load.attempts(from: locked, to: locked + 8_000_000)
                expectRefused(meanwhile, "locked")
                // Heartbeats wait for the same connections; now and then one may have had its turn.
                let beat = try await transaction.query(FaultRun.lastBeat).first?.column("seen_at", as: PQTimestamp.self)
                run.noteOutage(from: try #require(beat).microseconds)
            }
            run.countFromNow()
        }
    }

    @Test(.enabled(if: FaultSuite.runsAll), .enabled(if: SmallDisk.canBeMounted, SmallDisk.skipped))
    func `a full disk is a refusal, and room is all that is needed`() async throws {
        let cluster = try await ThrowawayCluster.start()
        let disk = try SmallDisk(megabytes: 48)
        defer { disk.remove() }
        try await cluster.useTablespace(at: disk.folder)
        try await FaultRun.endure(
            "disk full",
            "the file system of the tables is full for 10 s",
            cluster: cluster
        ) { run in
            try disk.fill()
            try await run.until("an event is refused") { run.load.attempts.contains { $0.status == 503 } }
            try await run.last(.seconds(10))
            // What fits into a page that there is can still be written, a heartbeat among it.
            let beats = try await run.installation.owner.query(FaultRun.lastBeat)
            let beat = try #require(try beats.first?.column("seen_at", as: PQTimestamp.self))
            run.noteOutage(from: beat.microseconds)
            try disk.empty()
            run.countFromNow()
        }
    }

    @Test(.enabled(if: FaultSuite.runsAll), .enabled(if: SmallDisk.canBeMounted, SmallDisk.skipped))
    func `a full disk of the log ends the server, and with room again nothing is lost`() async throws {
        let cluster = try await ThrowawayCluster.start()
        let disk = try SmallDisk(megabytes: 160)
        defer { disk.remove() }
        try await cluster.moveLog(to: disk.folder)
        try await FaultRun.endure(
            "log's disk full",
            "the file system of the write-ahead log is full for 10 s: PostgreSQL panics, and is started again",
            cluster: cluster
        ) { run in
            try await cluster.keepLog(true)
            try disk.fill()
            // It has a few files of the log in stock, which are used up first.
            try await run.until("the server panics") {
                await cluster.switchLog()
                return try cluster.log().split(separator: "\n").contains { line in
                    line.contains("PANIC") && line.contains("No space left on device")
                }
            }
            let since = FaultLoad.now()
            try await run.last(.seconds(10))
            // Without its log nothing is committed.
            expectRefused(run.load.attempts(from: since), "log's disk full")
            run.noteOutage(from: since)
            try disk.empty()
            run.countFromNow()
            try await run.until("the server runs again") { await cluster.revive() }
            try await cluster.keepLog(false)
        }
    }
}
