import Foundation
import Testing

@testable import Service

@Suite("Body patterns")
struct BodyPatternsTests {
    private func finds(_ word: String, in body: String) -> Bool {
        let bytes = Data((body + "&").utf8)
        return BodyPatterns(word).forms.contains { bytes.range(of: Data($0)) != nil }
    }

    @Test(arguments: [
        #"{"e":"ana@mail.example"}"#, #"["ana@mail.example"]"#,
        "a=1&e=ana%40mail.example&b=2", "e=ana%40mail.example", "e=ana@mail.example",
    ])
    func `a whole string or form value is found`(body: String) {
        #expect(finds("ana@mail.example", in: body))
    }

    @Test(arguments: [#"{"e":"joana@mail.example"}"#, "e=ana%40mail.example.org", #"{"e":"ana@mail.example "}"#])
    func `a part of another is not`(body: String) {
        #expect(!finds("ana@mail.example", in: body))
    }

    @Test(arguments: [
        #""Zoë/Ñandú+1""#, #""Zo\u00eb/\u00d1and\u00fa+1""#, #""Zo\u00EB/\u00D1and\u00FA\u002B1""#,
        #""Zo\u00eb\/\u00d1and\u00fa+1""#, #""Zoë\/Ñandú+1""#,
    ])
    func `however a writer of JSON escapes`(body: String) {
        #expect(finds("Zoë/Ñandú+1", in: body))
    }

    @Test
    func `a long number is found as a number, a short one as a string alone`() {
        #expect(finds("88231", in: #"{"user":88231,"x":1}"#) && finds("88231", in: "[88231]"))
        #expect(!finds("88231", in: #"{"user":188231}"#))
        #expect(!finds("7", in: #"{"Employee":7}"#) && finds("7", in: #"{"Employee":"7"}"#))
        #expect(!BodyPatterns.isDistinct("88231") && BodyPatterns.isDistinct("ana@mail"))
    }
}
