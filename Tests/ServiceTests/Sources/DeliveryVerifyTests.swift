import ClockSources
import Domain
import Foundation
import LibPQ
import Service
import Testing

/// What `verify` says of a delivery, held against what the real route then does with it.
@Suite("Delivery verify", .timeLimit(.minutes(5)))
struct DeliveryVerifyTests {
    private struct Verdict: Decodable {
        struct Event: Decodable {
            struct Desired: Decodable {
                var state: String
                var rule: String
                var generation: Int64
            }

            var eventId: String
            var kind: String
            var occurredAt: String
            var effectiveAt: String
            var externalId: String?
            var agentId: String?
            var record: String?
            var would: String
            var effect: String?
            var desired: Desired?
        }

        var proof: String
        var status: Int
        var deliveryId: String?
        var ignored: String?
        var events: [Event]
    }

    /// What the real route answers about an event.
    private struct Answer: Decodable {
        struct Item: Decodable {
            var eventId: String?
            var kind: String?
            var effect: String?
            var replayed: Bool?
            var desired: Verdict.Event.Desired?
            var code: String?
        }

        var results: [Item]
    }

    @Test
    func `of every recorded case it says what the real route then does, and does nothing itself`() async throws {
        let stories = try SourceStory.all()
        #expect(stories.flatMap(\.steps).count == 156)
        try await withStories(stories) { service, clock in
            for story in stories {
                for step in story.steps { try await compare(step, of: story, service, clock) }
            }
            // Nothing of what was verified is counted; all that was posted is.
            await service.stop()
            let counted = try await service.count(
                """
                SELECT coalesce(sum(c.count), 0)::bigint AS count
                FROM source_counts c JOIN clock_sources s ON s.source_id = c.source_id WHERE s.name <> 'api'
                """
            )
            #expect(counted == 156)
        }
    }

    private func compare(
        _ step: ClockCase,
        of story: SourceStory,
        _ service: RunningService,
        _ clock: DatabaseClock
    ) async throws {
        let delivery = try step.delivery
        clock.put(to: delivery.receivedAt)
        let (first, before) = try await verifyTwice(step, of: story, service)
        let verdict: Verdict = try first.decoded()
        let real = try await story.post(step, to: service, at: clock)
        let after = try await Self.everything(in: service)
        #expect(verdict.status == real.status, "\(step.name): \(first.text) \(real.text)")
        #expect((verdict.proof == "refused") == (real.status == 401), "\(step.name)")
        let news = verdict.events.filter { $0.would == "new" || $0.would == "unmatched" }.count
        #expect(after.events - before.events == Int64(news), "\(step.name): \(first.text) \(real.text)")
        guard (200..<300).contains(real.status), let answer = try? real.decoded(as: Answer.self) else { return }
        #expect(answer.results.count == verdict.events.count, "\(step.name)")
        for (foreseen, item) in zip(verdict.events, answer.results) {
            if foreseen.would == "conflict" {
                #expect(item.code == "idempotency_conflict", "\(step.name)")
                continue
            }
            #expect(foreseen.kind == item.kind && foreseen.eventId == item.eventId, "\(step.name)")
            #expect(foreseen.effect == item.effect, "\(step.name): \(first.text) \(real.text)")
            #expect((foreseen.would == "replayed") == item.replayed, "\(step.name): \(first.text) \(real.text)")
            #expect(foreseen.desired?.state == item.desired?.state, "\(step.name): \(first.text) \(real.text)")
            #expect(foreseen.desired?.rule == item.desired?.rule, "\(step.name)")
            #expect(foreseen.desired?.generation == item.desired?.generation, "\(step.name)")
        }
    }

    /// Verifies a delivery twice; nothing differs, neither in the database nor in the answers.
    ///
    /// Where the service itself applies an event whose time came meanwhile, it is done again.
    private func verifyTwice(
        _ step: ClockCase,
        of story: SourceStory,
        _ service: RunningService
    ) async throws -> (WireResponse, Everything) {
        var tries = 0
        while true {
            let before = try await Self.everything(in: service)
            let first = try await verify(step, of: story, service)
            let second = try await verify(step, of: story, service)
            let after = try await Self.everything(in: service)
            tries += 1
            if after.states != before.states, tries < 5 { continue }
            #expect(after == before, "\(step.name)")
            #expect(first.text == second.text, "\(step.name)")
            return (first, before)
        }
    }

    /// Sends a case's delivery to be verified, as if it arrived when it did.
    private func verify(
        _ step: ClockCase,
        of story: SourceStory,
        _ service: RunningService
    ) async throws -> WireResponse {
        let delivery = try step.delivery
        var query = ["at=\(delivery.receivedAt.rfc3339)"]
        if let token = delivery.token { query.append("token=\(token)") }
        if let own = delivery.query { query.append(own) }
        var headers = step.headers
        for (name, value) in step.headers where name.lowercased() == "authorization" {
            headers[name] = nil
            headers["X-Rollcall-Authorization"] = value
        }
        let answer = try await service.send(
            "POST",
            "/v1/sources/\(story.source)/verify?\(query.joined(separator: "&"))",
            key: RunningService.adminKey,
            headers: headers,
            body: step.body
        )
        #expect(answer.status == 200, "\(step.name): \(answer.text)")
        return answer
    }

    /// Every row that a delivery could touch.
    private struct Everything: Equatable {
        var events: Int64
        var states: String
        var rest: String
    }

    private static func everything(in service: RunningService) async throws -> Everything {
        let rows = try await service.owner.rows(
            """
            SELECT (SELECT count(*) FROM clock_events) AS events,
                (SELECT coalesce(md5(string_agg(s::text, ',' ORDER BY s.agent)), '') FROM agent_states s) AS states,
                concat_ws('/', (SELECT count(*) FROM deliveries), (SELECT count(*) FROM delivery_ids),
                    (SELECT sum(asked) FROM record_fetches), (SELECT count(*) FROM reconcile_queue),
                    (SELECT count(*) FROM clock_sources)) AS rest
            """
        ) { row throws(PQError) in
            Everything(
                events: try row.column("events", as: Int64.self),
                states: try row.column("states", as: String.self),
                rest: try row.column("rest", as: String.self)
            )
        }
        return try #require(rows.first)
    }

    @Test
    func `of records that move, contradict, repeat and go it says what then happens`() async throws {
        try await withRunningService {
            $0.addVendor()
        } _: { service in
            try await service.addWithoutSession("ana", "bo")
            for (number, script) in ScriptedSource.Script.contradictions.enumerated() {
                let body = String(decoding: try JSONEncoder().encode(script), as: UTF8.self)
                let before = try await Self.everything(in: service)
                let answer = try await service.send(
                    "POST",
                    "/v1/sources/vendor/verify",
                    key: RunningService.adminKey,
                    headers: ["X-Proof": "good"],
                    body: body
                )
                #expect(try await Self.everything(in: service) == before, "\(number)")
                let verdict: Verdict = try answer.decoded()
                let real = try await service.tell(script)
                #expect(verdict.status == real.status, "\(number)")
                let news = verdict.events.filter { $0.would == "new" || $0.would == "unmatched" }.count
                let added = try await Self.everything(in: service).events - before.events
                #expect(added == Int64(news), "\(number): \(answer.text) \(real.text)")
                for (foreseen, item) in zip(verdict.events, try real.decoded(as: Answer.self).results) {
                    let what = "\(number): \(answer.text) \(real.text)"
                    #expect((foreseen.would == "conflict") == (item.code != nil), "\(what)")
                    guard foreseen.would != "conflict" else { continue }
                    #expect((foreseen.would == "replayed") == item.replayed, "\(what)")
                    #expect(foreseen.effect == item.effect, "\(what)")
                    #expect(foreseen.desired?.state == item.desired?.state, "\(what)")
                    #expect(foreseen.desired?.generation == item.desired?.generation, "\(what)")
                }
            }
            #expect(try await service.ledgerCount() > 12)
        }
    }

    @Test
    func `it waits for no append and no append waits for it`() async throws {
        try await withRunningService {
            $0.addVendor()
        } _: { service in
            try await service.addWithoutSession("ana")
            try await service.tell(
                .init(punches: [.init(agent: "ana", kind: "clock_in", at: "2026-03-02T08:00:00Z", id: "e0")])
            )
            let body = #"{"punches":[{"agent":"ana","kind":"clock_out","at":"2026-03-02T09:00:00Z","id":"e1"}]}"#
            // As an append under way holds it: the map, the agent's state, the event itself.
            try await service.owner.withTransaction { transaction in
                try await transaction.run([
                    "SELECT pg_advisory_xact_lock(7265, 1)", "SELECT agent FROM agent_states FOR UPDATE",
                    "LOCK TABLE clock_events IN SHARE ROW EXCLUSIVE MODE",
                ])
                let answer = try await service.send(
                    "POST",
                    "/v1/sources/vendor/verify",
                    key: RunningService.adminKey,
                    headers: ["X-Proof": "good"],
                    body: body
                )
                #expect(answer.status == 200, "\(answer.text)")
                let verdict: Verdict = try answer.decoded()
                #expect(verdict.events.map(\.would) == ["new"] && verdict.events.map(\.effect) == ["applied"])
                #expect(verdict.events.first?.desired?.state == "stopped")
            }
        }
    }

    @Test
    func `who asks and what the delivery shows are kept apart`() async throws {
        try await withRunningService { setup in
            let settings = SourceSettings(name: "hr", kind: .genericBearer, secrets: ["a-secret-long-enough"])
            setup.sources.append(
                ConfiguredSource(
                    name: "hr",
                    kind: .genericBearer,
                    reader: try makeClockSource(settings),
                    matchesAgentID: true,
                    limits: SourceLimits(bodySize: 2_048)
                )
            )
        } _: { service in
            let path = "/v1/sources/hr/verify"
            let body = #"{"agent_id":"ana","kind":"clock_in","event_id":"e1","occurred_at":"2026-03-02T08:00:00Z"}"#
            let ask = { (headers: [String: String], body: String, path: String) in
                try await service.send("POST", path, key: RunningService.adminKey, headers: headers, body: body)
            }
            let shown = ["X-Rollcall-Authorization": "Bearer a-secret-long-enough"]
            let without: Verdict = try await ask([:], body, path).decoded()
            #expect(without.proof == "refused" && without.status == 401)
            let with: Verdict = try await ask(shown, body, path).decoded()
            #expect(with.proof == "accepted" && with.status == 200)
            #expect(with.events.map(\.would) == ["unmatched"])
            let large: Verdict = try await ask(shown, String(repeating: " ", count: 3_000), path).decoded()
            #expect(large.status == 413)
            #expect(try await ask(shown, body, path + "?at=nonsense").status == 422)
            #expect(try await ask(shown, body, "/v1/sources/api/verify").status == 404)
            #expect(try await ask(shown, body, "/v1/sources/nobody/verify").status == 404)
            for role in ["view", "clock"] {
                let made = try await service.send("POST", "/v1/keys", json: #"{"name":"k","role":"\#(role)"}"#)
                let key = try #require(try made.json()["key"] as? String)
                try await service.until { try await service.send("GET", "/v1/agents", key: key).status != 401 }
                let answer = try await service.send("POST", path, key: key, headers: shown, body: body)
                #expect(answer.status == 403)
            }
        }
    }
}
