import Domain
import EngineSimulator
import LibPQ
import Testing

/// What one replica commits, in the streams of another.
@Suite("Neighbours", .timeLimit(.minutes(3)))
struct NeighbourTests {
    @Test
    func `an event that wakes nothing is in another replica's stream at once`() async throws {
        try await withRunningService { first in
            let url = first.databaseURL
            try await withRunningService(on: first.engine) {
                $0.databaseURL = url
            } _: { second in
                // Without a session nothing is in line, and nobody is woken.
                #expect(try await first.send("PUT", "/v1/agents/ana", json: #"{"team":"support"}"#).status == 201)
                try await first.until {
                    try await first.count("SELECT count(*) AS count FROM replicas WHERE expires_at > now()") == 2
                }
                let stream = try StreamClient(
                    "/v1/stream",
                    port: second.port,
                    headers: ["Authorization": "Bearer \(RunningService.adminKey)"]
                )
                defer { stream.close() }
                try await stream.next { $0.agentID == "ana" }
                var delays: [Duration] = []
                let day = [("clock-in", "in"), ("break-start", "break"), ("break-end", "in"), ("clock-out", "out")]
                for (action, shift) in day + day {
                    let answer = try await first.clock(action, "ana")
                    #expect(answer.status == 202 || answer.status == 200, "\(answer.text)")
                    let answered = ContinuousClock.now
                    try await stream.next { $0.agentID == "ana" && $0.object["shift"] as? String == shift }
                    delays.append(ContinuousClock.now - answered)
                }
                // The round comes every 2 s, and one has just been when the event before was seen: without being told each but
                // the first would take nearly that. The first may come before the two know of each other.
                #expect(delays.dropFirst().allSatisfy { $0 < .milliseconds(1500) }, "\(delays)")
                #expect(delays.sorted()[delays.count / 2] < .milliseconds(500), "\(delays)")
            }
        }
    }
}
