import Domain
import Foundation
import LibPQ
import Testing

@testable import Service

@Suite("Unmatched page", .timeLimit(.minutes(2)))
struct UnmatchedPageTests {
    /// The addresses on a page that begin with a path and a question mark.
    private func links(_ page: WireResponse, to path: String) -> [String] {
        page.text.split(separator: "href=\"").dropFirst()
            .compactMap { $0.split(separator: "\"").first.map(String.init) }
            .filter { $0.hasPrefix("\(path)?") && !$0.contains("lang=") }
            .map { $0.replacing("&amp;", with: "&") }
    }

    private func names(_ page: WireResponse) -> [String] {
        page.text.split(separator: "data-name=\"").dropFirst()
            .compactMap { $0.split(separator: "\"").first.map(String.init) }
    }

    @Test
    func `the link of a source leads to its names alone, page by page`() async throws {
        try await withPage { page in
            _ = try await page.management.pool.query("INSERT INTO clock_sources (name) VALUES ('h r'), ('later')")
            for (source, names) in [("api", ["one"]), ("h r", (100..<160).map { "n\($0)" }), ("later", ["two"])] {
                for name in names {
                    let minute = Duration.seconds(60)
                    try await page.management.addEvent(.clockIn, of: name, ago: minute, source: source, matched: false)
                }
            }
            let viewer = try await page.signIn(as: .view)
            let source = try await page.send("GET", "/sources/h%20r", viewer)
            let first = try await page.send("GET", try #require(links(source, to: "/unmatched").first), viewer)
            #expect(names(first) == (100..<150).map { "n\($0)" })
            #expect(first.text.contains("Only names of"))
            let second = try await page.send("GET", try #require(links(first, to: "/unmatched").first), viewer)
            #expect(names(second) == (150..<160).map { "n\($0)" })
            #expect(links(second, to: "/unmatched").isEmpty)
            let all = try await page.send("GET", "/unmatched", viewer)
            #expect(names(all).first == "one" && !all.text.contains("Only names of"))
            #expect(names(try await page.send("GET", "/unmatched?source=nowhere", viewer)).isEmpty)
        }
    }

    @Test
    func `the banner, the page and the API count the same`() async throws {
        try await withPage { page in
            let pool = page.management.pool
            _ = try await pool.pipeline([
                "INSERT INTO clock_sources (name) VALUES ('hr')",
                // More events that were matched later than anybody reads, before all others by their name.
                """
                INSERT INTO clock_events (dedupe, source_id, kind, occurred_at, effective_at, received_at, event_id, external_id)
                SELECT gen_random_uuid(), s.source_id, 1, now(), now(), now(), n::text, 'A' || n % 10
                FROM clock_sources s, generate_series(1, 12000) AS n
                WHERE s.name = 'hr'
                """,
                "INSERT INTO agents (agent_id) VALUES ('ana')",
                "INSERT INTO clock_event_matches (sequence, agent) SELECT sequence, a.agent FROM clock_events, agents a",
            ])
            let erased = "erased:0b1e7a52-4c1f-4a53-9d3a-1f5b6c7d8e9f"
            for name in ["left", erased, "x", "x", "y"] {
                try await page.management.addEvent(.clockIn, of: name, ago: .seconds(60), source: "hr", matched: false)
            }
            try await page.management.addEvent(.clockIn, of: "z", ago: .seconds(60), matched: false)
            _ = try await pool.query(
                """
                INSERT INTO left_out_events (sequence, agent)
                SELECT e.sequence, a.agent FROM clock_events e, agents a WHERE e.external_id = 'left'
                """
            )
            let viewer = try await page.signIn(as: .view)
            let listed = try await page.management.send("GET", "/v1/sources", as: .view).items()
            let counts = listed.map { "\($0["name"] as? String ?? "") \($0["unmatched"] as? Int ?? -1)" }
            #expect(counts == ["api 1", "hr 2"])
            #expect(try await page.send("GET", "/unmatched/count", viewer).json()["names"] as? Int == 3)
            let shown = try await page.send("GET", "/sources", viewer).text
            let cells = shown.split(separator: "data-field=\"unmatched\">").dropFirst().map { $0.prefix { $0 != "<" } }
            #expect(cells == ["1", "2"])
            let named = try await page.management.send("GET", "/v1/unmatched?group=name", as: .view).items()
            #expect(named.map { $0["external_id"] as? String } == ["z", "left", "x", "y"])
        }
    }
}
