import Domain
import LibPQ
import Testing

@testable import Service

/// That something other than agents waits for somebody is told without being asked.
@Suite("Waiting news", .timeLimit(.minutes(3)))
struct WaitingNewsTests {
    @Test
    func `a name that nobody knows is told of when it comes and when it is somebody's, and counted anew`() async throws
    {
        try await withPage { page in
            let viewer = try await page.signIn(as: .view)
            func names() async throws -> Int? {
                try await page.send("GET", "/unmatched/count", viewer).json()["names"] as? Int
            }
            #expect(try await names() == 0)
            try await page.follow { stream in
                try await stream.next("summary")
                try await page.management.addEvent(.clockOut, of: "E-7", ago: .seconds(60), matched: false)
                #expect(try await stream.next("waiting").data == "{}")
                #expect(try await names() == 1, "however lately somebody else was told none")
                let count = try await page.send("GET", "/unmatched/count", viewer).json()
                #expect(count["since"] is String)
                let added = try await page.management.send("PUT", "/v1/agents/a1", json: #"{"name":"A"}"#)
                #expect(added.status == 201)
                let mapping = #"{"agent_id":"a1"}"#
                _ = try await page.management.send("PUT", "/v1/sources/api/aliases/E-7", json: mapping)
                try await stream.next("waiting")
                #expect(try await names() == 0)
            }
        }
    }

    @Test
    func `parts of a change that are decided are told of, though the change goes on waiting`() async throws {
        try await withPage { page in
            let agents = (0..<7).map { "g\($0)" }
            try await page.management.addOnShift(agents)
            try await page.follow { stream in
                try await stream.next("summary")
                let until = (page.management.clock.now() + .seconds(3600)).rfc3339
                let names = agents.map { "\"\($0)\"" }.joined(separator: ",")
                let hold = #"{"state":"stopped","until":"\#(until)","reason":"exam"}"#
                _ = try await page.management.send(
                    "POST",
                    "/v1/actions",
                    as: .manage,
                    json: #"{"action":"hold","agents":[\#(names)],"hold":\#(hold)}"#
                )
                let change = try #require(try await page.management.heldChanges().first)
                try await stream.next("waiting")
                let refused = try await page.management.send(
                    "POST",
                    "/v1/guard/\(change)/refuse",
                    as: .manage,
                    json: #"{"agents":["g0"]}"#
                )
                #expect(refused.status == 200)
                try await stream.next("waiting")
                #expect(try await page.management.heldChanges() == [change])
            }
        }
    }

    @Test
    func `a key that is bound to teams is told nothing of it`() async throws {
        try await withPage { page in
            try await page.management.addAgent("a1", team: "red")
            let bound = try await page.management.key(.view, teams: ["red"])
            try await page.follow(key: bound) { theirs in
                try await theirs.next("summary")
                try await page.follow { stream in
                    try await stream.next("summary")
                    try await page.management.addEvent(.clockOut, of: "E-7", ago: .seconds(60), matched: false)
                    try await stream.next("waiting")
                    try await page.management.observe("a1", "WORKING")
                    let told = try await theirs.all(to: "agent")
                    #expect(!told.contains { $0.name == "waiting" })
                }
            }
        }
    }
}
