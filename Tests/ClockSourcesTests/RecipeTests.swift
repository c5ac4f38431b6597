import Domain
import Foundation
import TestSupport
import Testing

@testable import ClockSources

/// What the pages of `docs/sources` tell people to run is what the adapters take.
@Suite("recipes")
struct RecipeTests {
    private static var now: Timestamp { Timestamp(seconds: Int64(Date().timeIntervalSince1970)) }

    @Test(arguments: SourceKind.allCases)
    func `the delivery that a recipe sends is read as the recorded one is`(kind: SourceKind) throws {
        let recipe = try Recipe(kind)
        let delivery = try recipe.delivery("try", receivedAt: Self.now)
        let recorded = try #require(
            try ClockCase.all(of: kind).first { Array($0.body.utf8) == delivery.body && $0.expect.reject == nil },
            "the body is no recorded one"
        )
        let expected = try makeClockSource(recorded.settings).read(recorded.delivery)
        let reading = try makeClockSource(recipe.settings()).read(delivery)
        #expect(reading.punches == expected.punches)
        #expect(reading.fetch == expected.fetch)
        #expect(!reading.punches.isEmpty || reading.fetch != nil)
    }

    @Test(arguments: SourceKind.allCases)
    func `where the time is signed the recorded delivery itself is refused`(kind: SourceKind) throws {
        let recipe = try Recipe(kind)
        let isTimed = try MutableCase.all.contains { $0.item.source == kind.rawValue && $0.signer.provesTime }
        // 7shifts signs for its partners only, and the page's example is not theirs.
        guard isTimed, kind != .sevenShifts else {
            #expect(recipe.marks == ["settings", "try"])
            return
        }
        #expect(recipe.marks == ["settings", "try", "refused"])
        let source = try makeClockSource(recipe.settings())
        let delivery = try recipe.delivery("refused", receivedAt: Self.now)
        #expect(refusal(of: delivery, by: source) == .badProof)
        let recorded = try #require(try ClockCase.all(of: kind).first { Array($0.body.utf8) == delivery.body })
        #expect(
            refusal(of: try recipe.delivery("refused", receivedAt: recorded.delivery.receivedAt), by: source) == nil
        )
    }

    @Test
    func `every kind has its page, and the list names each`() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: RecipePage.folder.path(percentEncoded: false))
        let pages = SourceKind.allCases.map { "\($0.rawValue).md" }
        #expect(Set(files) == Set(pages + ["README.md"]))
        let list = try String(contentsOf: RecipePage.folder.appending(path: "README.md"), encoding: .utf8)
        for kind in SourceKind.allCases {
            #expect(list.contains("| `\(kind.rawValue)` |") && list.contains("(\(kind.rawValue).md)"), "\(kind)")
            let page = try String(contentsOf: RecipePage.folder.appending(path: "\(kind.rawValue).md"), encoding: .utf8)
            for heading in ["On their side", "Here", "Try it", "What can be lost", "Not confirmed"] {
                #expect(page.contains("\n## \(heading)\n"), "\(kind): \(heading)")
            }
        }
    }
}

@Suite("the map's adapter")
struct AdapterExampleTests {
    @Test
    func `the adapter that the map shows is the one that is built`() throws {
        let root = RecipePage.folder.appending(path: "../..").standardizedFileURL
        let file = "Sources/ClockSources/GenericBearerSource.swift"
        let code = try String(contentsOf: root.appending(path: file), encoding: .utf8)
            .split(separator: "\n", omittingEmptySubsequences: false)
            .filter { !$0.drop { $0 == " " }.hasPrefix("///") }
            .joined(separator: "\n")
        let map = try String(contentsOf: root.appending(path: "ARCHITECTURE.md"), encoding: .utf8)
        #expect(map.contains("```swift\n\(code)```"), "\(file) and ARCHITECTURE.md differ")
    }
}
