import Testing

@testable import Service

@Suite("TrustedProxies")
struct TrustedProxiesTests {
    /// Peer, header, whom is trusted besides nobody, and who sent it.
    private static let senders: [(peer: String, header: String?, trusted: [String], sender: String)] = [
        ("192.0.2.1", nil, ["10.0.0.0/8"], "192.0.2.1"),
        ("192.0.2.1", "198.51.100.1", ["10.0.0.0/8"], "192.0.2.1"),
        ("10.1.2.3", "198.51.100.1", ["10.0.0.0/8"], "198.51.100.1"),
        ("10.1.2.3", nil, ["10.0.0.0/8"], "10.1.2.3"),
        ("10.1.2.3", "203.0.113.9, 198.51.100.1", ["10.1.2.3"], "198.51.100.1"),
        ("10.1.2.3", "203.0.113.9, 198.51.100.1,10.9.9.9", ["10.0.0.0/8"], "198.51.100.1"),
        ("10.1.2.3", "10.0.0.1, 10.0.0.2", ["10.0.0.0/8"], "10.0.0.1"),
        ("10.1.2.4", "198.51.100.1", ["10.1.2.3"], "10.1.2.4"),
        ("::ffff:10.1.2.3", "198.51.100.1", ["10.0.0.0/8"], "198.51.100.1"),
        ("fd00::5", "2001:db8::1", ["fd00::/8"], "2001:db8::1"),
        ("fe00::5", "2001:db8::1", ["fd00::/8"], "fe00::5"),
        ("10.1.2.3", "unknown", ["10.0.0.0/8"], "unknown"),
        ("10.1.2.3", "198.51.100.1:5678", ["10.0.0.0/8"], "198.51.100.1"),
        ("10.1.2.3", "198.51.100.1, 10.2.2.2:80", ["10.0.0.0/8"], "198.51.100.1"),
        ("10.1.2.3", "[2001:db8::1]:5678", ["10.0.0.0/8"], "2001:db8::1"),
        ("", "198.51.100.1", ["0.0.0.0/0", "::/0"], ""),
    ]

    @Test(arguments: senders.indices)
    func `the word of a trusted proxy counts, and nobody else's`(number: Int) throws {
        let row = Self.senders[number]
        let proxies = try #require(TrustedProxies(row.trusted))
        #expect(proxies.sender(peer: row.peer, forwardedFor: row.header) == row.sender)
    }

    @Test(arguments: [
        ("127.0.0.1", true), ("127.9.9.9", true), ("::1", true), ("::ffff:127.0.0.1", true), ("10.0.0.1", false),
    ])
    func `without a setting that is a proxy on this machine`(peer: String, isTrusted: Bool) {
        let sender = TrustedProxies.loopback.sender(peer: peer, forwardedFor: "192.0.2.7")
        #expect(sender == (isTrusted ? "192.0.2.7" : peer))
    }

    @Test(arguments: [
        "proxy", "10.0.0", "10.0.0.256", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0.0/8/8", "::1::", ":::",
        "fd00::/129",
        "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "12345::", "+1.0.0.1", "/8", "",
    ])
    func `what is no address or network is refused`(item: String) {
        #expect(TrustedProxies([item]) == nil)
    }

    @Test
    func `who has a network of IPv6 counts once, whatever address is used of it`() {
        #expect(TrustedProxies.subscriber("2001:db8:1:2::7") == "2001:db8:1:2::/64")
        #expect(TrustedProxies.subscriber("2001:DB8:1:2:ffff::1") == "2001:db8:1:2::/64")
        #expect(TrustedProxies.subscriber("2001:db8:1:3::7") == "2001:db8:1:3::/64")
        #expect(TrustedProxies.subscriber("192.0.2.1") == "192.0.2.1" && TrustedProxies.subscriber("x") == "x")
    }

    @Test
    func `addresses are read in all their spellings`() {
        #expect(addressBytes("2001:DB8::8:800:200c:417a")?.suffix(4) == [0x20, 0x0C, 0x41, 0x7A])
        #expect(addressBytes("::") == Array(repeating: 0, count: 16))
        #expect(addressBytes("64:ff9b::192.0.2.33")?.suffix(4) == [192, 0, 2, 33])
        #expect(addressBytes("1:2:3:4:5:6:7:8")?.count == 16)
        #expect(TrustedProxies(["10.0.0.5", "fd00::/8"])?.text == "10.0.0.5,fd00::/8")
    }
}
