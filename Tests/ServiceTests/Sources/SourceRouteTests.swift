import ClockSources
import Domain
import LibPQ
import Testing

@testable import Service

/// The route that senders use, whatever they send: limits, refusals, answers in time, and what is kept.
@Suite("Source route", .timeLimit(.minutes(5)))
struct SourceRouteTests {
    private static let event = ScriptedSource.Script(
        delivery: "d1",
        punches: [.init(agent: "ana", kind: "clock_in", at: "2026-03-02T08:00:00Z", id: "e1")]
    )

    @Test
    func `whoever asks before sending is answered if that kind of sender does so`() async throws {
        try await withRunningService { setup in
            setup.addVendor()
            let settings = SourceSettings(name: "events", kind: .cloudEvents, secrets: ["a-secret-long-enough"])
            setup.sources.append(
                ConfiguredSource(name: "events", reader: try makeClockSource(settings), matchesAgentID: true)
            )
        } _: { service in
            let ask = { (source: String, headers: [String: String]) in
                try await service.send(
                    "OPTIONS",
                    "/v1/sources/\(source)/events",
                    key: nil,
                    headers: headers,
                    body: nil
                )
            }
            let origin = ["WebHook-Request-Origin": "sender.example", "WebHook-Request-Rate": "120"]
            let consent = try await ask("events", origin)
            #expect(consent.status == 200)
            #expect(consent.headers["webhook-allowed-origin"] == "sender.example")
            #expect(consent.headers["webhook-allowed-rate"] == "120")
            #expect(try await ask("events", [:]).status == 405)
            #expect(try await ask("vendor", origin).status == 405)
            #expect(try await ask("nobody", origin).status == 404)
            #expect(try await service.ledgerCount() == 0)
        }
    }

    @Test
    func `a flood and a large body are refused before anything is read, genuine or not`() async throws {
        try await withRunningService {
            $0.addVendor(limits: SourceLimits(deliveriesPerSecond: 1, bodySize: 1_024))
        } _: { service in
            let padded = ["X-Proof": "bad"]
            let large = try await service.send(
                "POST",
                "/v1/sources/vendor/events",
                key: nil,
                headers: padded,
                body: String(repeating: " ", count: 1_025)
            )
            #expect(large.status == 413, "\(large.text)")
            var refused: WireResponse?
            for _ in 0..<20 where refused == nil {
                let answer = try await service.tell(Self.event, proof: "bad")
                if answer.status == 429 { refused = answer }
            }
            #expect(refused?.headers["retry-after"] == "1")
            #expect(try refused?.code() == "rate_limited")
            try await service.until { try await service.tell(Self.event).status == 200 }
        }
    }

    @Test
    func `refusals leave nothing, and never ask a sender to go away for good`() async throws {
        try await withRunningService {
            $0.addVendor()
        } _: { service in
            let forged = try await service.tell(Self.event, proof: "bad")
            #expect(forged.status == 401)
            #expect(try forged.code() == "unauthenticated")
            let garbled = try await service.send(
                "POST",
                "/v1/sources/vendor/events",
                key: nil,
                headers: ["X-Proof": "good"],
                body: "{"
            )
            #expect(garbled.status == 400, "\(garbled.text)")
            #expect(try await service.ledgerCount() == 0)
            #expect(try await service.count("SELECT count(*) AS count FROM deliveries") == 0)
        }
    }

    @Test
    func `while nothing can be committed the answer comes in time, and says to come again`() async throws {
        try await withRunningService {
            $0.addVendor()
        } _: { service in
            try await service.addWithoutSession("ana")
            try await service.owner.withTransaction { transaction in
                try await transaction.run(["LOCK TABLE clock_events, deliveries IN EXCLUSIVE MODE"])
                for script in [Self.event, ScriptedSource.Script(delivery: "d2")] {
                    let asked = ContinuousClock.now
                    let answer = try await service.tell(script)
                    #expect(ContinuousClock.now - asked < .milliseconds(1_400))
                    #expect(answer.status == 503, "\(answer.text)")
                    #expect(answer.headers["retry-after"] != nil)
                }
            }
            try await service.until { try await service.tell(Self.event).status == 200 }
            #expect(try await service.agent("ana").shift == "in")
            #expect(try await service.ledgerCount() == 1)
        }
    }

    @Test
    func `the time that reading takes is a part of the time in which the answer comes`() async throws {
        try await withRunningService {
            $0.addVendor()
        } _: { service in
            try await service.addWithoutSession("ana")
            try await service.owner.withTransaction { transaction in
                try await transaction.run(["LOCK TABLE clock_events, deliveries IN EXCLUSIVE MODE"])
                for var script in [Self.event, ScriptedSource.Script(delivery: "d2")] {
                    script.effort = 750
                    let asked = ContinuousClock.now
                    let answer = try await service.tell(script)
                    #expect(ContinuousClock.now - asked < .milliseconds(1_400))
                    #expect(answer.status == 503, "\(answer.text)")
                }
            }
        }
    }

    @Test
    func `a delivery of more events than may wait is taken as a whole, and repeated until it is`() async throws {
        try await withRunningService {
            $0.addVendor()
        } _: { service in
            let count = AppendQueue.waitingLimit + 500
            let long = ScriptedSource.Script(
                delivery: "long",
                punches: (0..<count).map { number in
                    let kind = number.isMultiple(of: 2) ? "clock_in" : "clock_out"
                    return .init(agent: "a", kind: kind, at: "2026-03-02T08:00:00Z", id: "e\(number)")
                }
            )
            try await service.until(within: .seconds(240)) {
                let answer = try await service.tell(long)
                try #require([200, 503].contains(answer.status), "\(answer.text)")
                if answer.status == 503 { try await service.pause(1) }
                return answer.status == 200
            }
            #expect(try await service.ledgerCount() == Int64(count))
            // Each time that it was not taken is an item of the list as well, and on a busy machine they fill a page.
            let list = try await service.deliveries("?outcome=accepted")
            #expect(list.items.filter { $0.deliveryId == "long" }.map(\.eventCount) == [count])
            #expect(try await service.tell(Self.event).status == 200)
        }
    }

    @Test
    func `who writes for us is told of too many items, and nothing is kept`() async throws {
        let secret = "a-secret-long-enough"
        try await withRunningService { setup in
            let settings = SourceSettings(name: "hr", kind: .genericBearer, secrets: [secret])
            setup.sources.append(
                ConfiguredSource(name: "hr", reader: try makeClockSource(settings), matchesAgentID: true)
            )
        } _: { service in
            let event = #"{"agent_id":"ana","kind":"clock_in","occurred_at":"2026-03-02T08:00:00Z"}"#
            let answer = try await service.send(
                "POST",
                "/v1/sources/hr/events",
                key: nil,
                headers: ["Authorization": "Bearer \(secret)"],
                body: "[" + Array(repeating: event, count: 1_001).joined(separator: ",") + "]"
            )
            #expect(answer.status == 413)
            #expect(try answer.code() == "too_many_items")
            #expect(try await service.ledgerCount() == 0)
            #expect(try await service.count("SELECT count(*) AS count FROM deliveries") == 0)
        }
    }

    @Test
    func `a vendor's delivery that says too much is kept, and the loss is shown`() async throws {
        try await withRunningService {
            $0.addVendor()
        } _: { service in
            #expect(try await service.tell(.init(delivery: "d1", ignored: "too-many-items")).status == 200)
            try await service.until { try await service.source().today["too_large"] == 1 }
            let source = try await service.source()
            #expect(source.state == "refusing")
            #expect(source.lastRefusal?.detail?.contains("nothing of it counts") ?? false)
            try await service.until { try await service.deliveries().items.count == 2 }
            let outcomes = try await service.deliveries().items.map(\.outcome)
            #expect(Set(outcomes) == ["ignored", "refused"])
        }
    }

    @Test
    func `an id used twice is told to who writes for us, and to nobody else`() async throws {
        var other = Self.event
        other.delivery = nil
        other.punches[0].kind = "clock_out"
        var many = other
        many.punches.append(.init(agent: "ana", kind: "clock_out", at: "2026-03-02T09:00:00Z", id: "e2"))
        let (second, several) = (other, many)
        for (isTold, statuses) in [(true, [200, 422, 207, 200]), (false, [200, 200, 200, 200])] {
            try await withRunningService {
                $0.addVendor(refusesConflicts: isTold)
            } _: { service in
                try await service.addWithoutSession("ana")
                var answers: [Int] = []
                for script in [Self.event, second, several, Self.event] {
                    answers.append(try await service.tell(script).status)
                }
                #expect(answers == statuses)
                #expect(try await service.ledgerCount() == 2)
            }
        }
    }

    @Test
    func `an id used twice that its sender is not told of is counted and shown as such, and as no repetition`()
        async throws
    {
        var (kept, unkept) = (Self.event, Self.event)
        kept.delivery = nil
        kept.punches[0].kind = "clock_out"
        // Under the id of a delivery that is kept already, so that all that is left of it is what is noted.
        unkept.punches[0].kind = "clock_out"
        let second = [kept, unkept]
        try await withRunningService {
            $0.addVendor()
        } _: { service in
            try await service.addWithoutSession("ana")
            for script in [Self.event] + second { #expect(try await service.tell(script).status == 200) }
            try await service.until { try await service.source().today["conflict"] == 2 }
            let source = try await service.source()
            #expect(source.today["repeated"] == 0 && source.today["accepted"] == 1, "\(source)")
            #expect(source.lastRefusal?.reason == "conflict")
            #expect(source.state == "receiving")
            let refused = try await service.deliveries("?outcome=refused").items
            #expect(refused.map(\.reason) == ["conflict", "conflict"])
            #expect(try await service.tell(Self.event).status == 200)
            try await service.until { try await service.source().today["repeated"] == 1 }
        }
    }

    @Test
    func `what is needed to read a delivery again is kept with it, and nothing that proves`() async throws {
        try await withRunningService {
            $0.addVendor()
        } _: { service in
            try await service.send(
                "POST",
                "/v1/sources/vendor/events?type=clock-in&access_token=hidden-word",
                key: nil,
                headers: [
                    "X-Proof": "good", "Authorization": "Bearer hidden-word", "Webhook-Id": "msg_1",
                    "Svix-Timestamp": "1772438400", "CE-Id": "7", "Clockify-Webhook-Event-Type": "TIMER_STOPPED",
                    "Clockify-Signature": "hidden-word", "Cookie": "hidden-word",
                ],
                body: "{\"punches\":[]}"
            )
            let kept = try await service.owner.query("SELECT headers::text AS headers FROM deliveries")
            let headers = try kept[0].column("headers", as: String.self)
            for word in ["\"?type\": \"clock-in\"", "msg_1", "1772438400", "\"ce-id\": \"7\"", "TIMER_STOPPED"] {
                #expect(headers.contains(word), "\(headers)")
            }
            #expect(!headers.contains("hidden-word"))
        }
    }
}
