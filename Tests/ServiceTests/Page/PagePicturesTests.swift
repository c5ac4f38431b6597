import Foundation
import Testing

@testable import Service

/// The pictures in docs/page against the page as it is.
@Suite("Pictures of the page", .timeLimit(.minutes(1)))
struct PagePicturesTests {
    /// The build that was photographed, as `Tests/browser/screenshots.py` notes it; what it leaves out is in docs/page/README.md.
    @Test
    func `the pictures were made of the scripts, styles, templates and words as they are`() {
        let file = DescribedRoutes.root.appending(path: "docs/page/made-of.txt")
        // Without it nobody knows what they were made of.
        let made = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        #expect(
            made.trimmingCharacters(in: .newlines) == PageBuild.word,
            "the page is another than on the pictures in docs/page: run scripts/screenshots"
        )
    }
}
