/// What a fuzz run draws by lot: the same for the same seed, on every machine.
struct FuzzDraw {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// The next 64 bits (SplitMix64).
    mutating func bits() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A number from 0 to below the bound, which is above 0.
    mutating func below(_ bound: Int) -> Int { Int(bits() % UInt64(bound)) }

    /// True once in so many times.
    mutating func once(in times: Int) -> Bool { below(times) == 0 }

    /// One of the elements, of which there must be some.
    mutating func one<Element>(of elements: [Element]) -> Element { elements[below(elements.count)] }

    mutating func bytes(upTo limit: Int) -> [UInt8] {
        (0..<below(limit + 1)).map { _ in UInt8(truncatingIfNeeded: bits()) }
    }

    /// The bytes with one to four changes; never the same as they were.
    mutating func changed(_ old: [UInt8]) -> [UInt8] {
        var new = old
        for _ in 0...below(4) { change(&new) }
        return new == old ? old + [UInt8(truncatingIfNeeded: bits())] : new
    }

    /// The same for text, whose bytes may become other characters.
    mutating func changed(_ old: String) -> String {
        let new = String(decoding: changed(Array(old.utf8)), as: UTF8.self)
        return new == old ? old + "x" : new
    }

    private mutating func change(_ bytes: inout [UInt8]) {
        let start = below(bytes.count + 1)
        let range = start..<min(bytes.count, start + 1 + below(16))
        switch below(9) {
        case 0, 1: if start < bytes.count { bytes[start] ^= 1 << UInt8(below(8)) }
        case 2: if start < bytes.count { bytes[start] = UInt8(truncatingIfNeeded: bits()) }
        case 3: bytes.insert(contentsOf: self.bytes(upTo: 8), at: start)
        case 4: if !range.isEmpty { bytes.removeSubrange(range) }
        case 5: bytes.removeSubrange(start...)
        case 6: if !range.isEmpty { bytes.insert(contentsOf: bytes[range], at: start) }
        case 7: bytes.insert(contentsOf: one(of: Self.snippets), at: start)
        default: if !range.isEmpty { bytes.replaceSubrange(range, with: bytes[range].reversed()) }
        }
    }

    /// Bytes that readers stumble over: broken UTF-8, a byte order mark, and what ends or escapes something.
    private static let snippets: [[UInt8]] =
        [
            [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82], [0xEF, 0xBB, 0xBF], [0],
        ]
        + [
            "\"", "\\", "\\u", "{", "[", "}", "]", ",", ":", "=", "&", "%", "%00", "%FF", "+", ";", "\r\n", "\u{202E}",
            "é",
        ]
        .map { Array($0.utf8) }
}
