import LibPQ
import Synchronization
import TestSupport
import Testing

/// Personio from its notice to the agent's shift, through the built program and an API of its own.
@Suite("Personio", .timeLimit(.minutes(3)))
struct PersonioTests {
    private static let token = "personio-token-0123456789"
    private static let period = "93ce8f09-21f0-4abb-a0fe-f7f0a69d8419"

    private static func notice(_ change: String) -> [UInt8] {
        Array(
            """
            {"company_id":"1","event_name":"attendance-period.\(change)","occurred_at":"2026-03-02T17:30:00Z",
            "payload":{"id":"\(period)"}}
            """.utf8
        )
    }

    private static func record(end: String) -> String {
        """
        {"id":"\(period)","type":"WORK","person":{"id":"77"},"start":{"date_time":"2026-03-02T09:00:00"},
        "end":{"date_time":\(end)}}
        """
    }

    private static func settings(_ api: FakePersonio) -> [String: String] {
        [
            "ROLLCALL_SOURCES": "hr", "ROLLCALL_SOURCE_HR_KIND": "personio",
            "ROLLCALL_SOURCE_HR_SECRET": token, "ROLLCALL_SOURCE_HR_TIME_ZONE": "Europe/Berlin",
            "ROLLCALL_SOURCE_HR_API_URL": api.url, "ROLLCALL_SOURCE_HR_CLIENT_ID": "papi-id",
            "ROLLCALL_SOURCE_HR_CLIENT_SECRET": "papi-secret",
        ]
    }

    @Test
    func `that the API refuses the credential is told by the command line and measured`() async throws {
        try await FakePersonio.run { api in
            try await withInstallation { installation in
                let port = try LoopbackPort.free()
                let changes = Self.settings(api).merging(["ROLLCALL_METRICS_PORT": "\(port)"]) { _, new in new }
                let settings = installation.settings.merging(changes) { _, new in new }
                let service = try await installation.serve(changes)
                api.state.withLock { $0.troubles = Array(repeating: 401, count: 50) }
                let path = "/v1/sources/hr/events/\(Self.token)"
                #expect(try await service.http.send("POST", path, body: Self.notice("created")).status == 200)
                try await service.until("it is told") {
                    let list = try await RollcallProcess.run("sources", "list", settings: settings)
                    return list.output.contains("hr  personio  refusing")
                        && list.output.contains("unfetched 1 since ") && list.output.contains("unauthorized")
                }
                try await service.until("it is measured") {
                    let text = try await PlainHTTP(port: port).send("GET", "/metrics").text
                    return text.contains(#"rollcall_source_unfetched_records{source="hr"} 1"#)
                }
            }
        }
    }

    @Test
    func `a notice is answered at once, its record fetched, and a restart forgets none`() async throws {
        try await FakePersonio.run { api in
            try await withInstallation { installation in
                let settings = Self.settings(api)
                var service = try await installation.serve(settings)
                try await service.put(
                    "gus",
                    hasInstance: false,
                    aliases: #"[{"source":"hr","external_id":"77"}]"#
                )
                let path = "/v1/sources/hr/events/\(Self.token)"
                let forged = try await service.http.send("POST", path + "x", body: Self.notice("created"))
                #expect(forged.status == 401)
                api.state.withLock { $0.records["/v2/attendance-periods/\(Self.period)"] = Self.record(end: "null") }
                #expect(try await service.http.send("POST", path, body: Self.notice("created")).status == 200)
                let view = try await service.until("gus") { $0.shift == "in" }
                #expect(view.shiftSince?.hasPrefix("2026-03-02T08:00:00") == true)
                #expect(!service.process.output.contains(Self.token))

                api.state.withLock { $0.troubles = Array(repeating: 503, count: 50) }
                #expect(try await service.http.send("POST", path, body: Self.notice("updated")).status == 200)
                service.process.kill()
                try await service.process.ending()
                api.state.withLock { state in
                    state.troubles = []
                    state.records["/v2/attendance-periods/\(Self.period)"] = Self.record(end: #""2026-03-02T17:00:00""#)
                }
                // What was being fetched when the service died is due again once its claim has ended.
                try await installation.owner.execute("UPDATE record_fetches SET claimed_until = NULL, due_at = now()")
                service = try await installation.serve(settings)
                try await service.until("gus") { $0.shift == "out" }
                try await service.until("nothing is left to fetch") {
                    try await installation.count("SELECT count(*) AS count FROM record_fetches") == 0
                }
                #expect(try await service.http.send("POST", path, body: Self.notice("deleted")).status == 200)
                #expect(try await installation.run("verify").code == 0)
            }
        }
    }
}
