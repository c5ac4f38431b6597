import Foundation
import Testing

@testable import Service

/// The stream that a page asks for: it goes on from where the page was read.
@Suite("Page's place in the stream", .timeLimit(.minutes(2)))
struct PagePlaceTests {
    /// What a page of the fleet asks of the stream.
    private func query(of page: PageFixture, _ path: String = "/") async throws -> String {
        let text = try await page.send("GET", path, page.signIn(as: .view)).text
        let found = try #require(text.firstMatch(of: #/data-stream="\/v1\/stream([^"]*)"/#))
        return String(found.1).replacing("&amp;", with: "&")
    }

    @Test
    func `what changes after a page was read is told without a reset, after the counts`() async throws {
        try await withPage { page in
            for agent in ["a1", "a2"] { try await page.management.addAgent(agent) }
            try await page.follow { stream in
                // Somebody else watches, so the feed knows everybody.
                try await stream.next("summary")
                try await page.wait { page.feed.eventID != nil }
                let query = try await query(of: page)
                try await page.management.observe("a2", "FAILED")
                try await stream.next { $0.agentID == "a2" && $0.object["observed"] as? String == "FAILED" }
                try await page.follow(query) { own in
                    let counts = try await own.next { ["reset", "summary", "agent"].contains($0.name) }
                    #expect(counts.name == "summary" && counts.object["agents"] as? Int == 2)
                    let change = try await own.next { ["reset", "agent"].contains($0.name) }
                    #expect(change.agentID == "a2" && change.object["observed"] as? String == "FAILED")
                }
            }
        }
    }

    @Test
    func `a stream that begins with a reset is told the counts once`() async throws {
        try await withPage { page in
            for agent in ["a1", "a2"] { try await page.management.addAgent(agent) }
            try await page.follow("?snapshot=false") { stream in
                try await stream.next("reset")
                try await stream.next("summary")
                try await page.management.observe("a2", "FAILED")
                let next = try await stream.next { ["reset", "summary", "agent"].contains($0.name) }
                #expect(next.name == "agent")
            }
        }
    }

    @Test
    func `a later page of a list begins with a reset, for it reads itself again`() async throws {
        try await withPage { page in
            for agent in ["a1", "a2"] { try await page.management.addAgent(agent) }
            let list = try await page.management.send("GET", "/v1/agents?limit=1").json()
            let cursor = try #require(list["next_cursor"] as? String)
            try await page.follow { stream in
                try await stream.next("summary")
                try await page.wait { page.feed.eventID != nil }
                #expect(try await query(of: page).contains("last_event_id"))
                #expect(try await !query(of: page, "/?cursor=\(cursor)").contains("last_event_id"))
            }
        }
    }
}
