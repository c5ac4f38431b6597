import Testing

@testable import rollcall

@Suite("settings of alerts")
struct AlertSettingsTests {
    private static let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    @Test
    func `without an address nobody is told, and nothing is missing`() throws {
        #expect(try SettingsFixture.load().alerts == nil)
        #expect(SettingsFixture.problems(["ROLLCALL_ALERT_SECRET": Self.secret]).isEmpty)
    }

    @Test
    func `an address and a secret are enough`() throws {
        let alerts = try #require(
            try SettingsFixture.load([
                "ROLLCALL_ALERT_URL": "https://alerts.example/x?token=abc", "ROLLCALL_ALERT_SECRET": Self.secret,
            ]).alerts
        )
        #expect(alerts.after == .seconds(300))
        #expect(alerts.target.host == "alerts.example" && alerts.target.port == 443 && !alerts.target.isAllowed)
    }

    @Test(arguments: [
        (["ROLLCALL_ALERT_URL": "https://alerts.example/"], "ROLLCALL_ALERT_SECRET"),
        (["ROLLCALL_ALERT_URL": "https://alerts.example/", "ROLLCALL_ALERT_SECRET": "short"], "ROLLCALL_ALERT_SECRET"),
        (["ROLLCALL_ALERT_URL": "http://alerts.example/", "ROLLCALL_ALERT_SECRET": secret], "ROLLCALL_ALERT_URL"),
        (["ROLLCALL_ALERT_URL": "alerts.example", "ROLLCALL_ALERT_SECRET": secret], "ROLLCALL_ALERT_URL"),
        (["ROLLCALL_ALERT_AFTER": "0s"], "ROLLCALL_ALERT_AFTER"),
    ])
    func `what would not be safe is refused by name`(changes: [String: String], setting: String) {
        let problems = SettingsFixture.problems(changes.mapValues(Optional.some))
        #expect(problems.map(\.setting) == [setting])
    }

    @Test
    func `http passes to a host that is named`() throws {
        let alerts = try SettingsFixture.load([
            "ROLLCALL_ALERT_URL": "http://10.0.0.7:9000/", "ROLLCALL_ALERT_SECRET": Self.secret,
            "ROLLCALL_ALERT_ALLOW_HOSTS": "relay, 10.0.0.7",
        ]).alerts
        #expect(alerts?.target.isAllowed == true && alerts?.target.port == 9000)
    }

    @Test
    func `neither the address nor the secret is printed`() throws {
        let settings = try SettingsFixture.load([
            "ROLLCALL_ALERT_URL": "https://alerts.example/hook-of-the-receiver", "ROLLCALL_ALERT_SECRET": Self.secret,
        ])
        for word in ["hook-of-the-receiver", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
            #expect(!settings.report.table.contains(word))
            #expect(settings.secrets.contains { $0.contains(word) })
        }
    }
}
