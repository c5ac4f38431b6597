import Domain
import Foundation
import LibPQ
import Service
import Testing

@Suite("Sources page", .timeLimit(.minutes(2)))
struct SourcesPageTests {
    @Test
    func `both pages show what came, as text, to who may see it`() async throws {
        try await withPage { page in
            let pool = page.management.pool
            _ = try await pool.query("INSERT INTO clock_sources (name) VALUES ('hr'), ('new')")
            _ = try await pool.query(
                """
                INSERT INTO deliveries (source_id, received_at, headers, body, reading, events, effects, warnings)
                SELECT source_id, now(), '{"user-agent":"<b>x</b>"}', \(Array(#"{"a":"<script>","phone":"+491701234567"}"#.utf8)),
                    'unknown-type', '{}', '{}', '{late}'
                FROM clock_sources WHERE name = 'hr'
                """
            )
            _ = try await pool.query(
                """
                INSERT INTO source_refusals (source_id, refused_at, reason, detail, user_agent)
                SELECT source_id, now(), 'bad_proof', 'no proof', '<i>curl</i>' FROM clock_sources WHERE name = 'hr'
                """
            )
            let manager = try await page.signIn(as: .manage)
            let all = try await page.send("GET", "/sources", manager)
            #expect(all.status == 200)
            #expect(
                all.text.contains(#"href="/sources/hr""#) && all.text.contains(#"data-source="api""#),
                "\(all.text)"
            )
            let one = try await page.send("GET", "/sources/hr", manager)
            #expect(one.text.contains("It is of a type that says nothing about presence."), "\(one.text)")
            #expect(one.text.contains("&lt;script&gt;") && one.text.contains("&lt;i&gt;curl"))
            #expect(!one.text.contains("<b>x") && !one.text.contains("1701234567"))
            #expect(one.text.contains("does not prove that it comes from this source"))
            #expect(one.text.contains("from <bdi>&lt;i&gt;curl"), "it runs for itself")
            let viewer = try await page.signIn(as: .view)
            #expect(!(try await page.send("GET", "/sources/hr", viewer)).text.contains("&lt;script&gt;"))
            // Something came, only not of the kind that is asked for.
            let accepted = try await page.send("GET", "/sources/hr?outcome=accepted", viewer).text
            #expect(accepted.contains("Nothing of that kind is listed.") && !accepted.contains("Nothing came."))
            #expect(try await page.send("GET", "/sources/new", viewer).text.contains("Nothing came."))
            #expect((try await page.send("GET", "/sources/nobody", viewer)).status == 404)
            #expect((try await page.send("GET", "/sources/hr?outcome=x", viewer)).status == 422)
            #expect((try await page.send("GET", "/sources", nil)).text.contains(#"id="sign-in""#))
            let bound = try await page.signIn(key: try await page.management.key(.view, teams: ["red"]))
            let hidden = try await page.send("GET", "/sources", bound)
            #expect(!hidden.text.contains(#"data-source="hr""#) && hidden.text.contains("bound to teams"))
            #expect((try await page.send("GET", "/sources/hr", bound)).status == 404)
        }
    }
}
