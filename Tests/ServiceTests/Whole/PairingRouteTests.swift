import Domain
import EngineSimulator
import Engines
import LibPQ
import Testing

@testable import Service

/// A manager pairs a session again, from any replica, and nothing of it stays anywhere.
@Suite("Pairing again", .timeLimit(.minutes(2)))
struct PairingRouteTests {
    private func ask(
        _ service: RunningService,
        _ json: String,
        key: String? = RunningService.adminKey
    ) async throws
        -> WireResponse
    {
        try await service.send("POST", "/v1/agents/ana/pairing", key: key, json: json)
    }

    /// Has an agent on shift whose session waits for a telephone.
    private func waitForScan(_ service: RunningService) async throws {
        try await service.add("ana", session: nil)
        try await service.engine.put(["i-ana"], "STOPPED", isPaired: false)
        try await service.clock("clock-in", "ana")
        try await service.until("ana") { $0.condition == "needs_pairing" }
    }

    @Test
    func `a picture, a code and a link are shown to who may manage, and to nobody else`() async throws {
        try await withRunningService { service in
            try await waitForScan(service)
            let picture = try await ask(service, #"{"as":"qr"}"#)
            #expect(picture.status == 200, "\(picture.text)")
            #expect(picture.headers["cache-control"] == "no-store")
            #expect((try picture.json()["value"] as? String)?.hasPrefix("data:image/png;base64,") == true)
            #expect(try picture.json()["refresh_after"] as? Int == 10)
            let code = try await ask(service, #"{"as":"code","phone_number":"+20 101 234-5678"}"#)
            #expect(code.headers["cache-control"] == "no-store")
            #expect(try code.json()["value"] as? String == "ABCD-1234")
            #expect(try code.json()["refresh_after"] as? Int == 180, "no engine says when a code ends")
            let link = try await ask(service, #"{"as":"link"}"#)
            #expect(link.headers["cache-control"] == "no-store")
            let address = try #require(try link.json()["value"] as? String)
            #expect(address.hasPrefix("https://app.wawp.net/temp-qr/"))
            #expect(try link.json()["expires_at"] as? String != nil)
            #expect(try link.json()["refresh_after"] as? Int == nil)
            // Asking again ends no link that somebody was given.
            #expect(try await ask(service, #"{"as":"link"}"#).json()["value"] as? String == address)
            let number = try await service.owner.query(
                "SELECT count(*) AS count FROM audit WHERE deed LIKE 'agent.pairing%' AND subject = 'ana'"
            )
            #expect(try number[0].column("count", as: Int64.self) == 4)
            #expect(try await ask(service, #"{"as":"qr"}"#, key: nil).status == 401)
        }
    }

    @Test
    func `what cannot be asked for is refused with what is wrong`() async throws {
        try await withRunningService { service in
            try await service.add("ana")
            try await service.clock("clock-in", "ana", wait: 30)
            let calls = try await service.engine.calls().count
            #expect(try await ask(service, #"{"as":"qr"}"#).code() == "no_pairing_needed")
            #expect(try await service.engine.calls().count == calls, "the engine is not asked in vain")
            for (json, field) in [
                ("{}", "as"), (#"{"as":"fax"}"#, "as"), (#"{"as":"code"}"#, "phone_number"),
                (#"{"as":"code","phone_number":"12"}"#, "phone_number"),
                (#"{"as":"code","phone_number":"49abc1234567"}"#, "phone_number"),
            ] {
                let answer = try await ask(service, json)
                #expect(answer.status == 422)
                #expect(try answer.json()["field"] as? String == field)
            }
            try await service.addWithoutSession("bob")
            let without = try await service.send("POST", "/v1/agents/bob/pairing", json: #"{"as":"qr"}"#)
            #expect(try without.code() == "no_instance")
            #expect(try await service.send("POST", "/v1/agents/eve/pairing", json: #"{"as":"qr"}"#).status == 404)
        }
    }

    @Test
    func `that somebody has scanned is said as it is, also of who is held, and is no order of a person`() async throws {
        try await withRunningService { service in
            try await waitForScan(service)
            let hold = #"{"state":"running","until":"\#(rfc3339(in: 600))","reason":"the fair"}"#
            let held = try await service.send("PUT", "/v1/agents/ana/hold", key: RunningService.adminKey, json: hold)
            #expect(held.status == 200)
            try await service.until("ana") { $0.condition == "needs_pairing" }
            try await service.engine.put(["i-ana"], "WORKING")
            #expect(try await ask(service, #"{"as":"qr"}"#).code() == "no_pairing_needed")
            try await service.until("ana") { $0.condition == "held" }
            #expect(try await service.count("SELECT count(*) AS count FROM audit WHERE deed = 'agent.reconcile'") == 0)
        }
    }

    @Test
    func `an engine that gives nothing is told as such`() async throws {
        try await withRunningService {
            $0.callTimeout = .seconds(1)
        } _: { service in
            try await waitForScan(service)
            try await service.engine.fault(.outage)
            let answer = try await ask(service, #"{"as":"qr"}"#)
            #expect(answer.status == 503)
            #expect(try answer.code() == "engine_unavailable")
            #expect(answer.headers["retry-after"] != nil)
        }
    }

    @Test
    func `a credential that may not pair is told as such, and goes on doing everything else`() async throws {
        try await withRunningService { service in
            try await waitForScan(service)
            try await service.engine.admin(
                "PUT",
                "faults",
                #"{"kind":"unauthorized","scope":"all","operations":["qr_image"],"params":{}}"#
            )
            let answer = try await ask(service, #"{"as":"qr"}"#)
            #expect(try answer.status == 503 && answer.code() == "engine_unavailable")
            try await service.add("bob")
            #expect(try await service.clock("clock-in", "bob", wait: 30).status == 200)
            let refusals: PQStatement = "SELECT count(*) AS count FROM incidents WHERE kind = 'account_refused'"
            #expect(try await service.count(refusals) == 0)
        }
    }

    @Test
    func `a replica that does not act for the account asks beside the one that does, one call a second`() async throws {
        try await withRunningService { first in
            try await waitForScan(first)
            let url = first.databaseURL
            try await withRunningService(on: first.engine) {
                $0.databaseURL = url
            } _: { second in
                let seen = try await first.engine.calls().count
                for _ in 0..<3 {
                    try await second.until {
                        let answer = try await ask(second, #"{"as":"qr"}"#)
                        try #require([200, 503].contains(answer.status), "\(answer.text)")
                        return answer.status == 200
                    }
                }
                let calls = try await first.engine.calls(since: seen).filter { $0.operation == "qr_image" }
                #expect(calls.count == 3)
                for (earlier, later) in zip(calls, calls.dropFirst()) {
                    #expect(later.receivedMonotonicUs - earlier.receivedMonotonicUs > 1_000_000)
                }
            }
        }
    }

    /// Has an agent on shift whose session failed because nobody scanned: 160 s of the engine's, which leaps over them.
    private func letCodesRunOut(_ service: RunningService) async throws {
        try await waitForScan(service)
        try await service.engine.advance(170)
        try await service.until("ana") { $0.observed == "FAILED" }
    }

    @Test
    func `codes that ran out bring no restart, until a person asks for a new one`() async throws {
        try await withRunningService {
            $0.engineKind = .waha
            $0.policy.pairingLook = .milliseconds(100)
        } _: { service in
            try await letCodesRunOut(service)
            for _ in 0..<2 { try await service.sweep() }
            let ana = try await service.agent("ana")
            #expect(ana.condition == "needs_pairing" && ana.reason == "pairing_required")
            #expect(try await service.engine.commands(of: "i-ana") == ["start"])
            // As the page repeats what somebody asked for minutes ago.
            let repeated = try await service.send(
                "POST",
                "/v1/agents/ana/pairing",
                json: #"{"as":"qr"}"#,
                headers: ["X-Rollcall-Reread": "true"]
            )
            #expect(repeated.status == 409)
            #expect(try repeated.code() == "codes_ran_out")
            #expect(try await service.engine.commands(of: "i-ana") == ["start"])

            let first = try await ask(service, #"{"as":"qr"}"#)
            #expect(first.status == 503 && first.headers["retry-after"] == "3")
            #expect(try first.code() == "pairing_begins")
            try await service.until {
                let answer = try await ask(service, #"{"as":"qr"}"#)
                if answer.status == 200 { return true }
                #expect(try answer.code() == "pairing_begins", "\(answer.text)")
                return false
            }
            #expect(try await service.engine.commands(of: "i-ana").filter { $0 != "qr" } == ["start", "stop", "start"])
            try await service.engine.scan()
            try await service.sweep()
            try await service.until("ana") { $0.observed == "WORKING" && $0.condition == "converged" }
        }
    }

    @Test
    func `a reboot that a person asks for does the same, and off shift nobody gets a code`() async throws {
        try await withRunningService {
            $0.engineKind = .waha
            $0.policy.pairingLook = .milliseconds(100)
        } _: { service in
            try await letCodesRunOut(service)
            #expect(try await service.send("POST", "/v1/agents/ana/reboot").status == 202)
            try await service.until("ana") { $0.observed == "SCAN_QR_CODE" }
            #expect(try await service.engine.commands(of: "i-ana") == ["start", "stop", "start"])
            try await service.clock("clock-out", "ana", wait: 30)
            #expect(try await ask(service, #"{"as":"qr"}"#).code() == "no_pairing_needed")
        }
    }
}
