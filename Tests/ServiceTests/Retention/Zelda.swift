import Domain
import Foundation
import LibPQ
import Testing

@testable import Service

/// A person with an unmistakable name, known in every way in which somebody can be.
enum Zelda {
    static let agentID = "zelda.quux@mail.example"
    /// Everything by which the person could be known.
    static let words = [
        "zelda", "quuxington", "zq-vendor-one", "zq-vendor-two", "zq-dropped", "zq-moved", "zq-form id", "88231077",
    ]

    static func punch(
        _ agent: String,
        _ kind: String,
        _ minutesAgo: Double,
        record: String? = nil,
        id: String? = nil
    )
        -> ScriptedSource.Script.Punch
    {
        .init(agent: agent, kind: kind, at: rfc3339(in: -60 * minutesAgo), record: record, id: id)
    }

    /// What the person's senders send: by alias, by record without a version, in a form of its own.
    static let deliveries: [ScriptedSource.Script] = [
        .init(delivery: "\(agentID)/d1", punches: [punch("zq-vendor-one", "clock_in", 300, id: "ev-\(agentID)-1")]),
        .init(delivery: "d2", punches: [punch("zq-vendor-two", "break_start", 290, id: "ev-2")]),
        .init(punches: [punch("zq-vendor-one", "break_end", 280)]),
        .init(punches: [
            punch("zq-vendor-one", "clock_in", 270, record: "7001"),
            .init(agent: "zq-vendor-one", kind: "clock_out", at: rfc3339(in: -60 * 260), record: "7001", ordinal: 1),
        ]),
        .init(punches: [punch("zq-vendor-one", "clock_in", 250, record: "\(agentID)/7002", id: "x")]),
        .init(punches: [punch("88231077", "clock_in", 240, id: "ev-3")]),
    ]

    private static func put(_ service: RunningService, aliases: [String]) async throws {
        let list = aliases.map { #"{"source":"vendor","external_id":"\#($0)"}"# }.joined(separator: ",")
        let answer = try await service.send(
            "PUT",
            "/v1/agents/\(agentID)",
            json: #"""
                {"name":"Zelda Quuxington","team":"support","aliases":[\#(list)],
                "instance":{"engine":"main","instance_id":"i-1","session_name":"zelda-session"}}
                """#
        )
        try #require([200, 201].contains(answer.status), "\(answer.text)")
    }

    /// Fills every table that can name somebody.
    static func live(_ service: RunningService) async throws {
        try await service.engine.put(["i-1"], "STOPPED")
        try await service.add("bo")
        // Known before anybody was mapped.
        try await service.tell(.init(punches: [punch("zq-dropped", "clock_in", 2_000, id: "ev-0")]))
        try await put(service, aliases: ["zq-vendor-one", "zq-vendor-two", "zq-dropped", "zq-moved", "88231077"])
        try await service.tell(.init(punches: [punch("zq-moved", "clock_out", 400, id: "ev-moved")]))
        try await put(service, aliases: ["zq-vendor-one", "zq-vendor-two", "88231077"])
        for script in deliveries { #expect(try await service.tell(script).status == 200) }
        try await service.clock("clock-in", agentID, wait: 60, json: #"{"event_id":"native-\#(agentID)-1"}"#)
        let hold = #"{"state":"running","until":"\#(rfc3339(in: 600))","reason":"Zelda has an exam"}"#
        #expect(try await service.send("PUT", "/v1/agents/\(agentID)/hold", json: hold).status == 200)
        #expect(try await service.send("DELETE", "/v1/agents/\(agentID)/hold").status == 204)
        #expect(try await service.send("PUT", "/v1/agents/\(agentID)/hold", json: hold).status == 200)
        // Others, and a body that came in several persons' names.
        try await service.clock("clock-in", "bo")
        try await service.tell(.init(delivery: "bo-d1", punches: [punch("bo", "clock_in", 100, id: "bo-1")]))
        // Ignored, and kept; the name in the one is escaped.
        for body in [
            #"{"punches":[],"delivery":"ig-1","who":"zelda.quux\u0040mail.example"}"#.replacing("\\u0040", with: "@"),
            #"{"punches":[],"delivery":"ig-2","who":"bo"}"#,
        ] {
            _ = try await service.send(
                "POST",
                "/v1/sources/vendor/events",
                key: nil,
                headers: ["X-Proof": "good"],
                body: body
            )
        }
        _ = try await service.owner.pipeline([
            """
            UPDATE commands SET detail = 'logged in: Zelda Quuxington'
            WHERE agent = (SELECT agent FROM agents WHERE agent_id = \(agentID))
            """,
            """
            INSERT INTO incidents (account, kind, detail, closed_at)
            SELECT account, 'account_refused', 'at the session of zelda.quux@mail.example', now() FROM engine_accounts
            """,
            // Found by its events alone; and by when it was received alone.
            """
            UPDATE deliveries
            SET events = ARRAY(SELECT dedupe FROM clock_events WHERE event_id = 'ev-2'), body = 'no names',
                received_at = received_at + interval '1 millisecond'
            WHERE delivery_id = 'd2'
            """,
            """
            UPDATE deliveries SET body = 'no names either'
            WHERE position('88231077'::bytea IN body) > 0
            """,
            "INSERT INTO audit (actor, deed, subject, detail) VALUES ('x', 'y', 'z', '{\"who\":\"zelda.quux@mail.example\"}')",
            "ANALYZE",
        ])
    }
}
