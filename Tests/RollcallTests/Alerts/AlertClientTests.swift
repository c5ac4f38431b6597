import Dispatch
import Service
import Synchronization
import Testing

@testable import rollcall

@Suite("AlertClient", .timeLimit(.minutes(1)))
struct AlertClientTests {
    private let loopback = HostAddresses.Address(bytes: [127, 0, 0, 1], text: "127.0.0.1")
    private let elsewhere = HostAddresses.Address(bytes: [8, 8, 8, 8], text: "8.8.8.8")

    private func target(_ url: String, allowing hosts: [String] = []) throws -> AlertTarget {
        try #require(AlertTarget(url, allowedHosts: hosts))
    }

    @Test(arguments: ["alerts.example", "Alerts.Example", "XN--ALRTS-HOA.example"])
    func `it connects to the very address that was looked up, however the setting spells the name`(
        name: String
    )
        async throws
    {
        try await AlertInbox.run { inbox in
            let host = name.lowercased()
            let asked = Mutex(0)
            // Nobody else could find this name.
            let client = AlertClient(
                try target("http://\(name):\(inbox.port)/hooks/rollcall", allowing: [name])
            ) { wanted in
                asked.withLock { $0 += 1 }
                #expect(wanted == host)
                return [loopback]
            }
            #expect(await client.post(Array("{}".utf8), headers: []) == .answered(status: 204))
            #expect(asked.withLock { $0 } == 1)
            #expect(inbox.letters.first?.host == "\(host):\(inbox.port)")
        }
    }

    @Test
    func `a name whose look-up hangs keeps nobody waiting beyond the time of a try`() async throws {
        let hanging = DispatchSemaphore(value: 0)
        defer { hanging.signal() }
        let client = AlertClient(try target("https://alerts.example/"), timeout: .milliseconds(50)) { _ in
            hanging.wait()
            return []
        }
        #expect(await client.post([], headers: []) == .timedOut)
    }

    @Test
    func `one address that is not public is enough to refuse, and nothing is connected to`() async throws {
        try await AlertInbox.run { inbox in
            for addresses in [[loopback], [elsewhere, loopback], [loopback, elsewhere]] {
                let client = AlertClient(try target("https://alerts.example:\(inbox.port)/")) { _ in addresses }
                #expect(await client.post([], headers: []) == .forbiddenAddress)
            }
            #expect(inbox.letters.isEmpty)
        }
    }

    @Test
    func `a redirect is an answer, and a name without an address none`() async throws {
        try await AlertInbox.run { inbox in
            inbox.fail(with: [307])
            let client = AlertClient(try target(inbox.url, allowing: ["127.0.0.1"]))
            #expect(await client.post(Array("{}".utf8), headers: []) == .answered(status: 307))
            #expect(inbox.letters.count == 1)
            let nowhere = AlertClient(try target("https://alerts.example/")) { _ in [] }
            #expect(await nowhere.post([], headers: []) == .unresolved)
        }
    }

    @Test(arguments: ["127.1", "0x7f000001", "2130706433", "localhost", "0177.0.0.1", "[::1]", "[::ffff:127.0.0.1]"])
    func `however loopback is spelled, it is found out`(host: String) async throws {
        let client = AlertClient(try target("https://\(host):1/"))
        let outcome = await client.post([], headers: [])
        #expect(outcome == .forbiddenAddress || outcome == .unresolved)
        if host == "localhost" || host.hasPrefix("[::1") { #expect(outcome == .forbiddenAddress) }
    }

    @Test(arguments: [
        "http://example.com/", "ftp://example.com/", "https://", "https://user:word@example.com/",
        "https://user@example.com/",
        "example.com", "https://exa mple.com/", "https://ex%41mple.com/", "https://example.com/#part", "",
    ])
    func `an address that would not be safe is none`(url: String) {
        #expect(AlertTarget(url, allowedHosts: []) == nil)
    }
}
