import Foundation
import Testing

@testable import rollcall

/// `rollcall rehearse append --viewers`, against a running service.
@Suite("rehearse", .timeLimit(.minutes(3)))
struct ViewersTests {
    private struct Line: Decodable {
        var what: String
        var count: Int
        var failures: Int
    }

    @Test
    func `every page that is open hears of every event`() async throws {
        try await withInstallation { installation in
            let served = try await installation.serve()
            let answer = try await installation.run(
                "rehearse",
                "append",
                "--url",
                "http://127.0.0.1:\(served.http.port)",
                "--agents",
                "20",
                "--rate",
                "20",
                "--seconds",
                "2",
                "--viewers",
                "5",
                "--json",
                settings: ["REHEARSE_KEY": Installation.adminKey]
            )
            #expect(answer.code == 0, "\(answer.output)")
            let lines = try JSONDecoder().decode([Line].self, from: Data(answer.output.utf8))
            #expect(lines.map(\.what) == ["event to answer", "event to page"])
            #expect(lines.map(\.count) == [40, 200] && lines.allSatisfy { $0.failures == 0 })
        }
    }

    @Test
    func `with pages or without everybody clocks out first, so that every event is a change`() async throws {
        try await withInstallation { installation in
            let served = try await installation.serve()
            for (round, viewers) in [(1, "0"), (2, "1")] {
                let answer = try await installation.run(
                    "rehearse",
                    "append",
                    "--url",
                    "http://127.0.0.1:\(served.http.port)",
                    "--agents",
                    "4",
                    "--rate",
                    "4",
                    "--seconds",
                    "1",
                    "--viewers",
                    viewers,
                    settings: ["REHEARSE_KEY": Installation.adminKey]
                )
                #expect(answer.code == 0, "\(answer.output)")
                // Four clock out, and four clock in.
                #expect(try await installation.ledgerCount() == Int64(8 * round))
            }
        }
    }

    @Test
    func `a key that is refused is said, and nothing is measured`() async throws {
        try await withInstallation { installation in
            let served = try await installation.serve()
            let answer = try await installation.run(
                "rehearse",
                "append",
                "--url",
                "http://127.0.0.1:\(served.http.port)",
                "--agents",
                "1",
                "--viewers",
                "2",
                settings: ["REHEARSE_KEY": "rk_nobody"]
            )
            #expect(answer.code == 3 && !answer.output.contains("rk_nobody"), "\(answer.output)")
        }
    }
}
