import ClockSources
import Domain
import Foundation
import LibPQ
import Testing

@testable import Service

/// What the page says of records that cannot be fetched.
@Suite("Unfetched records on the page", .timeLimit(.minutes(2)))
struct UnfetchedPageTests {
    @Test(arguments: Language.allCases)
    func `every reason has a sentence`(language: Language) {
        let sentences = PageLanguages()[language].sentences
        for reason in RecordFetchError.Kind.allCases.map(\.rawValue) + ["not_committed"] {
            #expect(sentences["unfetched." + reason] != nil, "\(reason)")
        }
    }

    @Test
    func `both pages say how many there are, and that of the source since when and why`() async throws {
        try await withPage { page in
            let pool = page.management.pool
            _ = try await pool.query("INSERT INTO clock_sources (name) VALUES ('hr')")
            let manager = try await page.signIn(as: .manage)
            let calm = try await page.send("GET", "/sources/hr", manager).text
            #expect(!calm.contains(#"id="unfetched""#) && !calm.contains("cannot be fetched"), "\(calm)")
            _ = try await pool.query(
                """
                INSERT INTO record_fetches (source_id, kind, record, asked_at, failure)
                SELECT s.source_id, 'thing', n.record, now() - n.ago, n.failure
                FROM clock_sources s
                CROSS JOIN (VALUES
                    ('r1', interval '2 hours', 'unreachable'), ('r2', interval '1 hour', 'unauthorized'),
                    ('r3', interval '5 hours', NULL)
                ) AS n (record, ago, failure)
                WHERE s.name = 'hr'
                """
            )
            let one = try await page.send("GET", "/sources/hr", manager).text
            #expect(one.contains(#"<dd id="unfetched">2 <small>"#), "\(one)")
            #expect(one.contains("API refuses our credential") && one.contains("Records that cannot be fetched"))
            #expect(try await page.send("GET", "/sources", manager).text.contains("not fetched: 2"))
        }
    }

    @Test
    func `a source whose API refuses the credential is not said to have its deliveries refused`() {
        let words = PageLanguages()[.english]
        let now = Timestamp(seconds: 1_800_014_400)
        func text(_ unfetched: UnfetchedRecords, areRefused: Bool) -> String? {
            let standing = SourceStanding(
                sourceID: 1,
                name: "hr",
                state: .refusing,
                today: .init(),
                week: .init(),
                areDeliveriesRefused: areRefused,
                unfetched: unfetched,
                unmatched: 0
            )
            let model = SourceModel(
                frame: PageFrame(words: words, caller: nil, address: "/sources/hr", now: now),
                caller: Caller(keyID: UUID(), name: "x", role: .view, sourceID: 0),
                source: standing,
                items: [],
                filter: nil,
                next: nil,
                now: now
            )
            return model.values["state_text"] as? String
        }
        let unauthorized = UnfetchedRecords(count: 1, since: now, reason: "unauthorized")
        #expect(text(.init(), areRefused: true) == words("source.words.refusing"))
        #expect(text(unauthorized, areRefused: false) == words("source.words.unfetched"))
        // Both: that nothing is taken is the worse.
        #expect(text(unauthorized, areRefused: true) == words("source.words.refusing"))
    }
}
