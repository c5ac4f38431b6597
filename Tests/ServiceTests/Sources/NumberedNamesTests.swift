import Domain
import Foundation
import LibPQ
import Service
import Testing

/// What a source's own numbers do to an agent who has several names there, through the route and the database.
@Suite("Numbered names", .timeLimit(.minutes(2)))
struct NumberedNamesTests {
    private func withVendor(_ body: @escaping @Sendable (RunningService) async throws -> Void) async throws {
        try await withRunningService {
            $0.addVendor()
        } _: { service in
            try await body(service)
            let clock = DatabaseClock()
            try await clock.measure(service.owner)
            try await expectVerified(service, clock)
        }
    }

    /// As an account at the vendor that is made anew: its numbers begin anew.
    @Test
    func `numbers count among those under one name, of which an agent may have several`() async throws {
        try await withVendor { service in
            try await Self.mapBothNames(of: "zoe", service)
            let day = "2026-03-02"
            for (name, kind, at, number, shift) in [
                ("10011", "clock_in", "08:00", 499, "in"),
                ("10011", "clock_out", "12:00", 500, "out"),
                ("20022", "clock_in", "13:00", 1, "in"),
                ("20022", "clock_out", "14:00", 3, "out"),
                ("20022", "clock_in", "15:00", 2, "out"),
                ("10011", "clock_in", "16:00", 501, "in"),
                ("20022", "clock_out", "17:00", 4, "out"),
            ] as [(String, String, String, Int64, String)] {
                try await Self.tell(service, kind, of: name, at: "\(day)T\(at):00Z", number: number)
                #expect(try await service.agent("zoe").shift == shift, "\(name), number \(number)")
            }
            let path = "/v1/agents/zoe/timeline?from=\(day)T00:00:00Z&to=\(day)T18:00:00Z"
            let timeline = try await service.send("GET", path)
            let events = try #require(try timeline.json()["events"] as? [[String: Any]], "\(timeline.text)")
            let void = events.filter { ($0["standing"] as? String) != "stands" }
            #expect(events.count == 7 && void.map { $0["event_id"] as? String } == ["20022-2"], "\(timeline.text)")
        }
    }

    @Test
    func `numbers count among those under one name also where both are mapped only later`() async throws {
        try await withVendor { service in
            try await Self.tell(service, "clock_out", of: "10011", at: rfc3339(in: -600), number: 500)
            try await Self.tell(service, "clock_in", of: "20022", at: rfc3339(in: -300), number: 1)
            try await Self.mapBothNames(of: "zoe", service)
            #expect(try await service.agent("zoe").shift == "in")
        }
    }

    private static func mapBothNames(of agent: String, _ service: RunningService) async throws {
        let names = ["10011", "20022"].map { #"{"source":"vendor","external_id":"\#($0)"}"# }
        let body = #"{"aliases":[\#(names.joined(separator: ","))]}"#
        let mapped = try await service.send("PUT", "/v1/agents/\(agent)", json: body)
        #expect(mapped.status == 201, "\(mapped.text)")
    }

    /// Tells of presence under a name, with the name's own number.
    private static func tell(
        _ service: RunningService,
        _ kind: String,
        of name: String,
        at instant: String,
        number: Int64
    ) async throws {
        let id = "\(name)-\(number)"
        try await service.tell(
            .init(punches: [.init(agent: name, kind: kind, at: instant, version: number, id: id)])
        )
    }
}
