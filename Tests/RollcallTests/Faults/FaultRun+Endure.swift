import Domain
import Foundation
import Glibc
import LibPQ
import TestSupport
import Testing

extension FaultRun {
    /// Runs replicas under load, lets something befall them, and judges the history.
    ///
    /// `fault` and `deed`: its name, and what is done, for the table. `cluster`: where the database is; `nil` for the tests'
    /// shared one. `standby`: who takes its place. `settings`: of each replica from the start. `program`: another build of those.
    /// `driving`: the agents with a session who come and go all the while. `strike`: does it, and calls ``countFromNow()``.
    @discardableResult
    static func endure(
        _ fault: String,
        _ deed: String,
        cluster: ThrowawayCluster? = nil,
        standby: ThrowawayCluster? = nil,
        settings: [[String: String]] = [[:], [:]],
        program: String? = nil,
        driving workers: [String] = FaultRun.workers,
        strike: @escaping @Sendable (FaultRun) async throws -> Void
    ) async throws -> HistoryChecker.Verdict {
        var verdict = HistoryChecker.Verdict()
        try await withInstallation(cluster: cluster, standby: standby, tokens: tokens) { installation in
            let run = FaultRun(installation)
            for settings in settings { try run.begin(settings, program: program) }
            for number in settings.indices { try await run.listen(number) }
            try await run.map()
            let recovery = try await run.underLoad(workers, strike)
            try await run.converge()
            let history = try await run.history()
            verdict = HistoryChecker().check(history)
            #expect(verdict.findings.isEmpty, "\(fault): \(verdict.findings.prefix(20))")
            #expect(verdict.reordered == backwards.count, "order by arrival would not be seen")
            if !verdict.findings.isEmpty { run.keepEvidence(fault, history) }
            FaultTable.add(row(fault, deed, history, verdict, recovery))
            let verified = try await installation.run("verify")
            #expect(verified.code == 0, "\(verified.output)")
            try await run.expectNothingLeft()
        }
        return verdict
    }

    private static func row(
        _ fault: String,
        _ deed: String,
        _ history: History,
        _ verdict: HistoryChecker.Verdict,
        _ recovery: String
    ) -> FaultTable.Row {
        var lost = 0
        var doubled = 0
        for finding in verdict.findings {
            if case .lost = finding { lost += 1 }
            if case .doubled = finding { doubled += 1 }
        }
        return FaultTable.Row(
            fault: fault,
            deed: deed,
            sent: Set(history.attempts.map(\.event)).count,
            taken: verdict.taken,
            lost: lost,
            doubled: doubled,
            recovery: recovery
        )
    }

    private func map() async throws {
        let served = try #require(live.compactMap(\.served).first)
        for mapping in Self.mappings {
            var instance = "null"
            if let id = mapping.instance, let account = mapping.account {
                instance = #"{"engine":"\#(account)","instance_id":"\#(id)"}"#
            }
            let path = "/v1/agents/\(mapping.agent)"
            let answer = try await served.send("PUT", path, json: #"{"instance":\#(instance)}"#)
            try #require(answer.status == 201, "\(answer.text)")
        }
    }

    /// Posts events while the strike happens, and until it is seen that all goes on.
    ///
    /// - Returns: how long that took.
    private func underLoad(
        _ workers: [String],
        _ strike: @escaping @Sendable (FaultRun) async throws -> Void
    ) async throws -> String {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, agent) in workers.enumerated() {
                group.addTask { await self.load.run(agent, pause: .milliseconds(1700 + index * 130)) }
            }
            for agent in Self.crowd {
                group.addTask {
                    let pause = Duration.milliseconds(60)
                    if Self.backwards.contains(agent) {
                        await self.load.runBackwards(agent, pause: pause)
                    } else {
                        await self.load.run(agent, pause: pause)
                    }
                }
            }
            group.addTask { await self.watchLeases() }
            let recovery: String
            do {
                try await untilTaken(60)
                if !workers.isEmpty {
                    try await until("a session is commanded") { try await self.engine.count(of: "start") > 0 }
                }
                noteFootprints()
                try await strike(self)
                recovery = try await untilRecovered()
                try await untilTaken(60)
            } catch {
                group.cancelAll()
                load.stop()
                throw error
            }
            load.stop()
            try await group.waitForAll()
            return recovery
        }
    }

    /// Waits until an event posted since is taken and a command came since.
    private func untilRecovered() async throws -> String {
        let from = try #require(countsFrom, "the strike says from when to count")
        try await until("events are taken again") { self.load.attempts.contains { $0.isTaken && $0.sentAt >= from } }
        try await until("the engine is commanded again") {
            try await self.engine.calls().contains { $0.operation != "info" && $0.receivedAtUs >= from }
        }
        let taken = load.attempts.filter { $0.isTaken && $0.sentAt >= from }.map(\.answeredAt).min() ?? from
        let calls = try await engine.calls().filter { $0.operation != "info" && $0.receivedAtUs >= from }
        let commanded = calls.map(\.receivedAtUs).min() ?? from
        return "\(Self.seconds(taken - from)) / \(Self.seconds(commanded - from))"
    }

    private static func seconds(_ microseconds: Int64) -> String {
        String(format: "%.1f s", Double(microseconds) / 1_000_000)
    }

    /// Waits until every session is where it should be.
    private func converge() async throws {
        do {
            try await until("everything converged", within: .seconds(120)) {
                try await self.ends().allSatisfy { end in
                    end.instance == nil
                        || end.condition == "converged" && end.session == (end.shift == "in" ? "WORKING" : "STOPPED")
                }
            }
        } catch {
            // The checker says who did not.
            Issue.record("\(error)")
        }
    }

    // MARK: What the outside saw

    private func history() async throws -> History {
        var history = History()
        history.map = Self.mappings
        history.attempts = load.attempts
        history.ledger = try await ledger()
        history.calls = try await engine.calls().map { call in
            History.Call(
                number: call.number,
                operation: call.operation,
                instance: call.instanceId,
                replica: call.caller ?? -1,
                receivedAt: call.receivedAtUs,
                received: call.receivedMonotonicUs,
                answered: call.answeredMonotonicUs,
                reading: call.operation == "info" && call.httpStatus == 200 ? call.before : nil
            )
        }
        history.terms = terms()
        history.freezes = freezes
        history.gone = Set(replicas.filter(\.isGone).map(\.number))
        history.outages = outages
        history.sights = sights
        history.ends = try await ends()
        history.said = try await said()
        history.secrets = secrets
        return history
    }

    private func ledger() async throws -> [History.Row] {
        try await installation.owner.rows(
            "SELECT sequence, event_id, external_id, kind, occurred_at FROM clock_events ORDER BY sequence"
        ) { row throws(PQError) in
            let kind = PunchKind(code: try row.column("kind", as: Int16.self))
            return History.Row(
                sequence: try row.column("sequence", as: Int64.self),
                event: History.Event(
                    id: try row.column("event_id", as: String?.self) ?? "",
                    agent: try row.column("external_id", as: String?.self) ?? "",
                    kind: kind?.rawValue ?? "",
                    occurredAt: try row.column("occurred_at", as: PQTimestamp.self).microseconds
                )
            )
        }
    }

    /// How things stand with every agent.
    func ends() async throws -> [History.End] {
        let statuses = try await engine.statuses()
        return try await installation.owner.rows(
            """
            SELECT a.agent_id, s.shift, x.instance_id, e.name, o.condition
            FROM agents a
            JOIN agent_states s ON s.agent = a.agent
            LEFT JOIN instances x ON x.agent = a.agent
            LEFT JOIN engine_accounts e ON e.account = x.account
            LEFT JOIN observed_states o ON o.instance = x.instance
            """
        ) { row throws(PQError) in
            let instance = try row.column("instance_id", as: String?.self)
            return History.End(
                agent: try row.column("agent_id", as: String.self),
                instance: instance,
                account: try row.column("name", as: String?.self),
                shift: try row.column("shift", as: Int16.self) == 1 ? "in" : "out",
                session: instance.flatMap { statuses[$0] },
                condition: try row.column("condition", as: String?.self) ?? ""
            )
        }
    }

    /// Keeps what is needed to see why a history is not sound.
    private func keepEvidence(_ fault: String, _ history: History) {
        let folder = FileManager.default.temporaryDirectory.appending(path: "rollcall-faults/\(fault)")
        try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for saying in history.said {
            try? saying.text.write(to: folder.appending(path: saying.place), atomically: true, encoding: .utf8)
        }
        var rest = history
        rest.said = []
        var text = ""
        dump(rest, to: &text, maxDepth: 6)
        try? text.write(to: folder.appending(path: "history.txt"), atomically: true, encoding: .utf8)
        print("evidence in \(folder.path)")
    }
}
