/// A number that looks random and follows from its arguments alone (the finaliser of SplitMix64).
func mixed(_ seed: UInt64, _ value: UInt64) -> UInt64 {
    var bits = (seed &+ value &* 0x9E37_79B9_7F4A_7C15) &+ 0x9E37_79B9_7F4A_7C15
    bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
    return bits ^ (bits >> 31)
}

/// The last digits of a number, in upper-case hexadecimal.
func hex(_ number: UInt64, digits: Int) -> String {
    let text = String(number, radix: 16, uppercase: true)
    return String((String(repeating: "0", count: digits) + text).suffix(digits))
}
