/// Whether an IP address is one of the public Internet, so that a request to it cannot reach what only this machine or its network
/// may.
///
/// Not public: loopback, link-local with the clouds' metadata service (169.254.169.254), private and shared networks, multicast,
/// documentation, benchmarking, and IPv6 forms that carry such an IPv4 address. Source: IANA's special-purpose address registries
/// (RFC 6890, RFC 8190).
///
/// `bytes`: 4 or 16, in network order; any other number is no address.
package func isPublicAddress(_ bytes: [UInt8]) -> Bool {
    switch bytes.count {
    case 4: isPublicIPv4(bytes)
    case 16: isPublicIPv6(bytes)
    default: false
    }
}

private func isPublicIPv4(_ bytes: [UInt8]) -> Bool {
    let special: [(network: [UInt8], length: Int)] = [
        ([0], 8), ([10], 8), ([100, 64], 10), ([127], 8), ([169, 254], 16), ([172, 16], 12), ([192, 0, 0], 24),
        ([192, 0, 2], 24), ([192, 88, 99], 24), ([192, 168], 16), ([198, 18], 15), ([198, 51, 100], 24),
        ([203, 0, 113], 24),
        ([224], 4), ([240], 4),
    ]
    return !special.contains { isWithin(bytes, $0.network, $0.length) }
}

private func isPublicIPv6(_ bytes: [UInt8]) -> Bool {
    // An IPv4 address in IPv6's clothes: mapped (::ffff:0:0/96), and translated (64:ff9b::/96).
    if isWithin(bytes, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF], 96) || isWithin(bytes, [0, 0x64, 0xFF, 0x9B], 96) {
        return isPublicIPv4(Array(bytes.suffix(4)))
    }
    // Nothing but global unicast is public; of that not the protocols' own (2001::/23), documentation and 6to4.
    guard isWithin(bytes, [0x20], 3) else { return false }
    let special: [(network: [UInt8], length: Int)] = [
        ([0x20, 0x01, 0x00], 23), ([0x20, 0x01, 0x0D, 0xB8], 32), ([0x20, 0x02], 16), ([0x3F, 0xFF], 20),
    ]
    return !special.contains { isWithin(bytes, $0.network, $0.length) }
}

/// Whether the first bits of an address are those of a network, whose missing bytes are zero.
private func isWithin(_ bytes: [UInt8], _ network: [UInt8], _ length: Int) -> Bool {
    for place in 0..<(length + 7) / 8 {
        let bits = min(8, length - place * 8)
        let mask = UInt8(truncatingIfNeeded: 0xFF << (8 - bits))
        let wanted = place < network.count ? network[place] : 0
        guard bytes[place] & mask == wanted & mask else { return false }
    }
    return true
}
