/// The proxies whose word counts for whom they pass on (`X-Forwarded-For`): single addresses, or networks.
package struct TrustedProxies: Sendable, Hashable {
    private struct Network: Sendable, Hashable {
        /// 4 or 16.
        var bytes: [UInt8]
        /// Bits that count.
        var length: Int
        var text: String

        func contains(_ address: [UInt8]) -> Bool {
            guard address.count == bytes.count else { return false }
            return (0..<(length + 7) / 8).allSatisfy { place in
                let mask = UInt8(truncatingIfNeeded: 0xFF << (8 - min(8, length - place * 8)))
                return (address[place] ^ bytes[place]) & mask == 0
            }
        }
    }

    private let networks: [Network]

    /// Only a proxy on this machine.
    package static let loopback = TrustedProxies(networks: [
        Network(bytes: [127, 0, 0, 0], length: 8, text: "127.0.0.0/8"),
        Network(bytes: Array(repeating: 0, count: 15) + [1], length: 128, text: "::1"),
    ])
    /// What is taken of a sender that is no address.
    private static let textLimit = 64

    private init(networks: [Network]) {
        self.networks = networks
    }

    /// Reads `10.0.0.5`, `10.0.0.0/8`, `fd00::/8`; `nil` when one of them is no address or network.
    package init?(_ items: [String]) {
        var networks: [Network] = []
        for item in items {
            let halves = item.split(separator: "/", omittingEmptySubsequences: false)
            guard halves.count <= 2, let bytes = addressBytes(halves[0]) else { return nil }
            var length = bytes.count * 8
            if halves.count == 2 {
                guard let given = Int(halves[1]), (0...length).contains(given), halves[1].allSatisfy(\.isNumber) else {
                    return nil
                }
                length = given
            }
            networks.append(Network(bytes: bytes, length: length, text: item))
        }
        self.init(networks: networks)
    }

    /// The comma list that it was read from.
    package var text: String { networks.map(\.text).joined(separator: ",") }

    /// Who sent a request: the peer, or whom a trusted peer passes on; of several proxies in a row the last that is none of ours.
    ///
    /// `forwardedFor`: the header's value; what stands before the first word of a proxy that is not ours anybody may have written.
    func sender(peer: String, forwardedFor: String?) -> String {
        var sender = peer
        var rest = (forwardedFor ?? "").split(separator: ",")[...]
        while isTrusted(sender), let next = rest.popLast() {
            let word = next.filter { !$0.isWhitespace }
            guard !word.isEmpty else { continue }
            sender = String(Self.withoutPort(word).prefix(Self.textLimit))
        }
        return sender
    }

    /// Whom limits count as one: an address, and of IPv6 the network that a subscriber gets as a whole (/64).
    static func subscriber(_ sender: String) -> String {
        guard let bytes = addressBytes(sender[...]), bytes.count == 16 else { return sender }
        let groups = stride(from: 0, to: 8, by: 2).map {
            String(UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]), radix: 16)
        }
        return groups.joined(separator: ":") + "::/64"
    }

    /// Some proxies write the sender's port too: `192.0.2.1:5678`, `[2001:db8::1]:5678`.
    private static func withoutPort(_ word: String) -> Substring {
        if word.hasPrefix("["), let end = word.firstIndex(of: "]") {
            return word[word.index(after: word.startIndex)..<end]
        }
        let parts = word.split(separator: ":", omittingEmptySubsequences: false)
        return parts.count == 2 && addressBytes(parts[0]) != nil ? parts[0] : word[...]
    }

    private func isTrusted(_ address: String) -> Bool {
        guard let bytes = addressBytes(address[...]) else { return false }
        return networks.contains { $0.contains(bytes) }
    }
}

/// An IP address in network order, 4 bytes or 16; `nil` for other texts.
///
/// An IPv4 address in IPv6's clothes (`::ffff:10.0.0.5`) is the 4.
func addressBytes(_ text: Substring) -> [UInt8]? {
    guard text.contains(":") else { return bytesOfIPv4(text) }
    let halves = text.split(separator: "::", maxSplits: 2, omittingEmptySubsequences: false)
    guard halves.count <= 2, let head = bytesOfGroups(halves[0]) else { return nil }
    var bytes = head
    if halves.count == 2 {
        guard let tail = bytesOfGroups(halves[1]), head.count + tail.count <= 14 else { return nil }
        bytes += Array(repeating: 0, count: 16 - head.count - tail.count) + tail
    }
    guard bytes.count == 16 else { return nil }
    let isMapped = bytes.starts(with: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF])
    return isMapped ? Array(bytes.suffix(4)) : bytes
}

private func bytesOfIPv4(_ text: Substring) -> [UInt8]? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    let bytes = parts.compactMap { part in part.utf8.allSatisfy({ (0x30...0x39).contains($0) }) ? UInt8(part) : nil }
    return parts.count == 4 && bytes.count == 4 ? bytes : nil
}

/// The groups of an IPv6 address on one side of its `::`; the last may be an IPv4 address.
private func bytesOfGroups(_ text: Substring) -> [UInt8]? {
    guard !text.isEmpty else { return [] }
    let groups = text.split(separator: ":", omittingEmptySubsequences: false)
    var bytes: [UInt8] = []
    for (place, group) in groups.enumerated() {
        if place == groups.count - 1, group.contains(".") {
            guard let last = bytesOfIPv4(group) else { return nil }
            bytes += last
        } else {
            guard (1...4).contains(group.utf8.count), group.allSatisfy(\.isHexDigit),
                let value = UInt16(group, radix: 16)
            else { return nil }
            bytes += [UInt8(value >> 8), UInt8(value & 0xFF)]
        }
    }
    return bytes
}
