import Testing

/// None of them at its default.
private let otherSettings = [
    "ROLLCALL_CLOCK_SKEW": "60s",
    "ROLLCALL_BREAK_ACTION": "stop",
    "ROLLCALL_TRUSTED_PROXIES": "10.0.0.5",
    "ROLLCALL_PUBLIC_URL": "https://rollcall.example",
    "ROLLCALL_LOG_LEVEL": "debug",
    "ROLLCALL_SOURCES": "till",
    "ROLLCALL_SOURCE_TILL_KIND": "generic-bearer",
    "ROLLCALL_SOURCE_TILL_SECRET": "secret-of-the-till",
]

/// One service whose settings differ from the defaults, and what it does otherwise for that.
@Suite("Settings other than the defaults", .serving(settings: otherSettings), .timeLimit(.minutes(3)))
struct OtherSettingsTests {
    /// A clock-in that lies far ahead of the default skew, and within this service's.
    private func early(_ agent: String) -> String {
        let time = instant(inSeconds: 30)
        return #"{"event_id":"\#(agent)-1","agent_id":"\#(agent)","kind":"clock_in","occurred_at":"\#(time)"}"#
    }

    @Test
    func `an event within ROLLCALL_CLOCK_SKEW ahead counts as now`() async throws {
        let service = try Served.shared()
        try await service.put("ahead", hasInstance: false)
        let receipt: ReceiptView = try await service.post(early("ahead")).decoded()
        #expect(receipt.effect == "applied" && receipt.warnings.isEmpty, "\(receipt)")
        #expect(try await service.agent("ahead").shiftSince == receipt.receivedAt)
    }

    @Test
    func `a sender's event within ROLLCALL_CLOCK_SKEW ahead counts as now`() async throws {
        let service = try Served.shared()
        try await service.put("sent", hasInstance: false)
        let answer = try await service.send(
            "POST",
            "/v1/sources/till/events",
            key: nil,
            json: early("sent"),
            headers: ["Authorization": "Bearer secret-of-the-till"]
        )
        #expect(answer.status == 200, "\(answer.text)")
        #expect(try answer.decoded(ItemsView.self).results.map(\.effect) == ["applied"], "\(answer.text)")
        #expect(try await service.agent("sent").shift == "in")
    }

    @Test
    func `a break stops the session where ROLLCALL_BREAK_ACTION says so`() async throws {
        let service = try Served.shared()
        try await service.put("resting", hasInstance: false)
        try await service.clock("clock-in", "resting")
        try await service.until("resting") { $0.desired == "running" }
        try await service.clock("break-start", "resting")
        try await service.until("resting") { $0.shift == "break" && $0.desired == "stopped" }
    }

    @Test
    func `whom a proxy passes on that ROLLCALL_TRUSTED_PROXIES leaves out counts as that proxy`() async throws {
        let service = try Served.shared()
        var status = 0
        // By default we are believed on this machine, and these would be forty senders with one wrong key each.
        for number in 1...40 where status != 429 {
            status = try await service.send(
                "POST",
                "/session",
                key: nil,
                json: #"{"key":"a-key-of-nobody"}"#,
                headers: ["X-Forwarded-For": "192.0.2.\(number)"]
            ).status
        }
        #expect(status == 429)
    }

    @Test(arguments: [("https://rollcall.example", true), ("https://another.example", false)])
    func `who signs in comes from ROLLCALL_PUBLIC_URL or is refused`(origin: String, isOurs: Bool) async throws {
        let answer = try await Served.shared().send(
            "POST",
            "/session",
            key: nil,
            json: #"{"key":"a-key-of-nobody"}"#,
            headers: ["Origin": origin]
        )
        // Ours goes on to the key, or to how many were tried.
        #expect((isOurs ? [401, 429] : [403]).contains(answer.status), "\(answer.text)")
    }

    @Test
    func `ROLLCALL_LOG_LEVEL says how much is logged`() async throws {
        _ = try await Served.shared().process.line(containing: #""level":"debug""#)
    }
}
