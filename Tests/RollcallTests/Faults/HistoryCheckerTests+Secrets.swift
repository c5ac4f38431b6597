import Testing

/// Secrets that stand where people read.
extension HistoryCheckerTests {
    private static let token = History.Secret(name: "a token", text: "tok_replica_10")
    private static let line = #"{"level":"info","message":"engine asked","metadata":{"account":"main"}}"# + "\n"

    @Test
    func `a secret in one line of a log is found`() {
        var history = History.sound
        history.secrets = [Self.token]
        history.said = [
            History.Saying(place: "replica-0.log", text: Self.line),
            History.Saying(place: "replica-1.log", text: Self.line),
        ]
        #expect(findings(history).isEmpty)
        history.said[1].text += #"{"message":"engine asked","metadata":{"token":"tok_replica_10"}}"# + "\n" + Self.line
        #expect(findings(history) == [.secretSaid("a token", place: "replica-1.log")])
        // The finding says which, and does not say it again.
        #expect(!findings(history).contains { $0.description.contains(Self.token.text) })
    }

    @Test(arguments: [
        ("tok_replica_10", true), ("ttok_replica_10", true), ("tok_tok_replica_10 and more", true),
        ("é tok_replica_10", true), ("tok_replica_1", false), ("tok_replica_", false), ("TOK_REPLICA_10", false),
        ("", false),
    ])
    func `a secret is found wherever it stands, and a part of it is not`(text: String, isFound: Bool) {
        var history = History.sound
        history.secrets = [Self.token]
        history.said = [History.Saying(place: "commands.detail", text: text)]
        let found: [HistoryChecker.Finding] = isFound ? [.secretSaid("a token", place: "commands.detail")] : []
        #expect(findings(history) == found)
    }

    @Test
    func `every secret is looked for in every place, and one that is empty is none`() {
        var history = History.sound
        history.secrets = [Self.token, History.Secret(name: "a password", text: "pw-7")]
        history.said = ["replica-0.metrics", "incidents.detail"].map { place in
            History.Saying(place: place, text: "pw-7 of tok_replica_10")
        }
        #expect(
            findings(history) == [
                .secretSaid("a token", place: "replica-0.metrics"), .secretSaid("a token", place: "incidents.detail"),
                .secretSaid("a password", place: "replica-0.metrics"),
                .secretSaid("a password", place: "incidents.detail"),
            ]
        )
        history.secrets = [History.Secret(name: "none", text: "")]
        #expect(findings(history).isEmpty)
    }
}
