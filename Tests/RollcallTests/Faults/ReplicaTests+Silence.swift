import Foundation
import LibPQ
import Testing

/// A replica that stands still: what the others say of its accounts, and how soon.
extension ReplicaTests {
    /// What the other replica can act for, too.
    private static let shared = ["main", "b"]
    /// What nobody but the first can act for.
    private static let lone = "c"
    /// For how long after a holder's last heartbeat nobody may know of its silence, in microseconds.
    private static let silenceLimit: Int64 = 10_000_000
    /// How long a lease lasts after a heartbeat, in microseconds.
    private static let leaseTTL: Int64 = 3_500_000

    /// Where a holder stands still.
    enum Stillness: String, CaseIterable {
        case anywhere = "anywhere"
        /// With its lease's row locked, so that nobody can take that until the database ends the transaction.
        case inPass = "in the middle of a pass"
    }

    @Test(arguments: Stillness.allCases)
    func `within 10 s of a holder's last heartbeat another acts, or it is said that nobody does`(
        stillness: Stillness
    ) async throws {
        try await withInstallation(tokens: FaultRun.tokens) { installation in
            let run = FaultRun(installation)
            var first = settings(run, accounts: Self.shared + [Self.lone])
            // The first of all its passes.
            if stillness == .inPass { first["ROLLCALL_FREEZE_AT"] = "pass-between-steps" }
            try await run.add(first)
            try await run.add(settings(run, accounts: Self.shared))
            try await spread(run, over: [1, 2])
            let taken = try #require(Self.shared.first { run.holder(of: $0) == 0 })
            let served = try #require(run.replicas[1].served)
            let stream = try StreamText(of: served)
            defer { stream.close() }

            let frozen = try await standStill(run, stillness, accounts: [taken, Self.lone], asking: served)
            let told = try await told(run, taken, stream, served)
            let beat = try await lastBeat(of: Self.lone, run)
            run.thaw(0)
            #expect(beat <= frozen + 1_000_000 && beat > frozen - 3_000_000, "\(beat) is its last, \(frozen) its end")
            print(
                """
                stood still \(stillness.rawValue); after its last heartbeat: taken over \(told.taken - beat) us, \
                nobody acts by the stream \(told.byStream - beat) us, by the list \(told.byList - beat) us
                """
            )
            for instant in [told.taken, told.byStream, told.byList] {
                #expect(instant - beat < Self.silenceLimit)
                // Whoever may still act is not said to be silent, and loses nothing.
                #expect(instant - beat >= Self.leaseTTL)
            }
            try await run.until("somebody acts again") {
                let isListed = try await self.isActing(Self.lone, served)
                return isListed == true && self.isActing(Self.lone, stream.text) == true
            }
        }
    }

    /// Adds agents with sessions at these accounts, which the first replica holds, and has it stand still.
    ///
    /// - Returns: since when it does, by the wall clock in microseconds.
    private func standStill(
        _ run: FaultRun,
        _ stillness: Stillness,
        accounts: [String],
        asking served: Served
    ) async throws -> Int64 {
        if stillness == .inPass {
            // Of the account that another can take: its lease is what the pass has locked.
            try await put(accounts[0], served)
            try await run.untilFrozen(0)
            let frozen = FaultLoad.now()
            for account in accounts.dropFirst() { try await put(account, served) }
            return frozen
        }
        for account in accounts {
            try await put(account, served)
            try await served.until("agent-\(account)") { $0.observed == "STOPPED" }
        }
        run.freeze(0)
        return FaultLoad.now()
    }

    private func put(_ account: String, _ served: Served) async throws {
        let instance = #"{"engine":"\#(account)","instance_id":"i-\#(account)"}"#
        let answer = try await served.send("PUT", "/v1/agents/agent-\(account)", json: #"{"instance":\#(instance)}"#)
        try #require(answer.status == 201, "\(answer.text)")
    }

    /// When others knew, by the wall clock in microseconds.
    private struct Told {
        /// The second replica acts for an account of the first.
        var taken: Int64
        /// It is said of the account that nobody else can act for.
        var byStream: Int64
        var byList: Int64
    }

    private func told(_ run: FaultRun, _ taken: String, _ stream: StreamText, _ served: Served) async throws -> Told {
        var takenAt: Int64?
        var streamAt: Int64?
        var listAt: Int64?
        try await run.until("the silence is told of") {
            takenAt = run.terms().filter { $0.account == taken && $0.replica == 1 }.map(\.takenAt).max()
            if streamAt == nil, self.isActing(Self.lone, stream.text) == false { streamAt = FaultLoad.now() }
            if listAt == nil, try await self.isActing(Self.lone, served) == false { listAt = FaultLoad.now() }
            return takenAt != nil && streamAt != nil && listAt != nil
        }
        return Told(
            taken: try #require(takenAt),
            byStream: try #require(streamAt),
            byList: try #require(listAt)
        )
    }

    /// Whether somebody acts for an account, as a stream last said; `nil` where it said nothing.
    private func isActing(_ account: String, _ text: String) -> Bool? {
        guard let last = text.range(of: #""engine":"\#(account)","acting":"#, options: .backwards) else { return nil }
        let rest = text[last.upperBound...]
        if rest.hasPrefix("true") { return true }
        return rest.hasPrefix("false") ? false : nil
    }

    /// The same as the list of accounts says.
    private func isActing(_ account: String, _ served: Served) async throws -> Bool? {
        struct Engines: Decodable {
            struct Engine: Decodable {
                var engine: String
                var acting: Bool
            }

            var items: [Engine]
        }
        let engines: Engines = try await served.send("GET", "/v1/engines").decoded()
        return engines.items.first { $0.engine == account }?.acting
    }

    /// When an account's holder last beat, by the database's clock in microseconds.
    private func lastBeat(of account: String, _ run: FaultRun) async throws -> Int64 {
        let beats = try await run.installation.owner.rows(
            """
            SELECT r.seen_at
            FROM engine_accounts e
            JOIN engine_leases l ON l.account = e.account
            JOIN replicas r ON r.replica = l.holder
            WHERE e.name = \(account)
            """
        ) { row throws(PQError) in try row.column("seen_at", as: PQTimestamp.self).microseconds }
        return try #require(beats.first)
    }
}
