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

    @Test
    func `it connects to the very address that was looked up, under the name that the setting has`() async throws {
        try await AlertInbox.run { inbox in
            let url = "http://alerts.example:\(inbox.port)/hooks/rollcall"
            let asked = Mutex(0)
            // Nobody else could find this name.
            let client = AlertClient(try target(url, allowing: ["Alerts.Example"])) { host in
                asked.withLock { $0 += 1 }
                #expect(host == "alerts.example")
                return [loopback]
            }
            #expect(await client.post(Array("{}".utf8), headers: []) == .answered(status: 204))
            #expect(asked.withLock { $0 } == 1)
            #expect(inbox.letters.first?.host == "alerts.example:\(inbox.port)")
        }
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
        "example.com", "https://exa mple.com/", "https://example.com/#part", "",
    ])
    func `an address that would not be safe is none`(url: String) {
        #expect(AlertTarget(url, allowedHosts: []) == nil)
    }
}
