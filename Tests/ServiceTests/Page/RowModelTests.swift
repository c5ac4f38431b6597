import Domain
import Testing

@testable import Service

/// What stands in a row of the table.
@Suite("RowModel")
struct RowModelTests {
    /// What the rows say is desired, by agent.
    private func wanted(_ source: String) -> [String: String] {
        let rows = source.matches(
            of: #/<tr role="row" data-agent="(\w+)".*?data-field="wanted">([^<]*)</#.dotMatchesNewlines()
        )
        return Dictionary(rows.map { (String($0.1), String($0.2)) }) { first, _ in first }
    }

    @Test
    func `a row says what is desired on a break, and leaves it to the shift where that says it`() async throws {
        try await withPage { page in
            for agent in ["a1", "a2", "a3"] { try await page.management.addAgent(agent) }
            for agent in ["a1", "a2"] {
                try await page.management.addEvent(.clockIn, of: agent, ago: .seconds(60), matched: true)
            }
            try await page.management.addEvent(.breakStart, of: "a1", ago: .seconds(30), matched: true)
            for agent in ["a1", "a2"] { try await page.management.refold(agent) }
            let signIn = try await page.signIn(as: .view)
            for (language, words) in [
                ("en", "should be running"), ("es", "debería estar en marcha"), ("ar", "ينبغي أن تكون عاملة"),
            ] {
                let source = try await page.send("GET", "/?lang=\(language)", signIn).text
                #expect(wanted(source) == ["a1": words, "a2": "", "a3": ""])
            }
        }
    }
}
