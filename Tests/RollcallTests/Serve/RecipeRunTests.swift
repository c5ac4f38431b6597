import ClockSources
import Foundation
import LibPQ
import TestSupport
import Testing

/// The pages of `docs/sources` as somebody follows them: their variables make the service's settings, their commands reach it.
@Suite("recipes on the running service", .timeLimit(.minutes(5)))
struct RecipeRunTests {
    @Test
    func `what each page has people run does what it says`() async throws {
        let pages = try SourceKind.allCases.map { try RecipePage($0.rawValue) }
        var settings: [String: String] = [:]
        for page in pages { settings.merge(try page.variables()) { _, new in new } }
        settings["ROLLCALL_SOURCES"] = pages.map(\.kind).joined(separator: ",")
        try await withInstallation { installation in
            let service = try await installation.serve(settings)
            for page in pages {
                try await expectTry(page, at: service)
                if page.marks.contains("refused") { try await expectRefusal(page, at: service) }
            }
            let verified = try await installation.run("verify")
            #expect(verified.code == 0, "\(verified.output)")
        }
    }

    /// The delivery is kept, and what it tells is listed as nobody's yet, or waits to be fetched.
    private func expectTry(_ page: RecipePage, at service: Served) async throws {
        let before = try await kept(of: page, service)
        let run = try run(page, "try", at: service)
        #expect(run.code == 0, "\(page.kind): \(run.output)")
        #expect(try await kept(of: page, service) == before + 1, "\(page.kind)")
        let unmatched = try await service.send("GET", "/v1/unmatched?source=\(page.kind)")
        let told = try unmatched.decoded(UnmatchedView.self).items.count
        let fetches = try await service.installation.count(
            """
            SELECT count(*) AS count
            FROM record_fetches f
            JOIN clock_sources s ON s.source_id = f.source_id
            WHERE s.name = \(page.kind)
            """
        )
        #expect(told > 0 || fetches > 0, "\(page.kind): \(unmatched.text)")
    }

    private func expectRefusal(_ page: RecipePage, at service: Served) async throws {
        let before = try await kept(of: page, service)
        let run = try run(page, "refused", at: service)
        #expect(run.code == 0 && run.output == "401", "\(page.kind): \(run.output)")
        #expect(try await kept(of: page, service) == before, "\(page.kind)")
    }

    private func run(_ page: RecipePage, _ mark: String, at service: Served) throws -> (code: Int32, output: String) {
        let script = "set -eu; A=http://127.0.0.1:\(service.http.port)\n\(try page.block(mark))"
        let (code, output) = try RecipePage.run(script)
        return (code, String(decoding: output, as: UTF8.self))
    }

    /// How many deliveries of the source are kept.
    private func kept(of page: RecipePage, _ service: Served) async throws -> Int64 {
        try await service.installation.count(
            """
            SELECT count(*) AS count
            FROM deliveries d
            JOIN clock_sources s ON s.source_id = d.source_id
            WHERE s.name = \(page.kind)
            """
        )
    }
}

private struct UnmatchedView: Decodable {
    struct Item: Decodable { var externalId: String }
    var items: [Item]
}
