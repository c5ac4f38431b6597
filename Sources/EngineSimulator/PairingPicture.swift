import Domain
import FoundationEssentials

/// A picture that looks like the code a telephone scans, another one for each session and each of its lives.
///
/// There is no telephone to scan it, so it holds nothing. A PNG of one bit a pixel whose data is stored, not compressed.
enum PairingPicture {
    /// Modules on a side, the quiet zone around them, and pixels a module.
    private static let side = 29
    private static let quiet = 4
    private static let scale = 5

    /// The picture in Base64.
    static func base64(seed: UInt64) -> String {
        let pixels = (side + 2 * quiet) * scale
        var rows: [UInt8] = []
        for y in 0..<pixels {
            rows.append(0)  // No filter.
            var byte: UInt8 = 0
            for x in 0..<(pixels + 7) / 8 * 8 {
                let isDark = x < pixels && isDark(x / scale - quiet, y / scale - quiet, seed)
                byte = byte << 1 | (isDark ? 0 : 1)
                if x % 8 == 7 { rows.append(byte) }
            }
        }
        var header = bigEndian(UInt32(pixels)) + bigEndian(UInt32(pixels))
        header += [1, 0, 0, 0, 0]
        let file =
            [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + chunk("IHDR", header)
            + chunk("IDAT", stored(rows)) + chunk("IEND", [])
        return Data(file).base64EncodedString()
    }

    private static func isDark(_ x: Int, _ y: Int, _ seed: UInt64) -> Bool {
        guard (0..<side).contains(x), (0..<side).contains(y) else { return false }
        for (left, top) in [(0, 0), (side - 7, 0), (0, side - 7)] {
            let (dx, dy) = (x - left, y - top)
            guard (-1...7).contains(dx), (-1...7).contains(dy) else { continue }
            // The three large squares that a telephone looks for.
            let ring = max(abs(dx - 3), abs(dy - 3))
            return ring == 3 || ring <= 1
        }
        return mixed(seed, UInt64(y * side + x)) & 1 == 1
    }

    /// Data in the format of zlib, in blocks that are not compressed.
    private static func stored(_ data: [UInt8]) -> [UInt8] {
        var stream: [UInt8] = [0x78, 0x01]
        var rest = data[...]
        repeat {
            let block = rest.prefix(0xFFFF)
            rest = rest.dropFirst(block.count)
            let length = UInt16(block.count)
            stream += [rest.isEmpty ? 1 : 0, UInt8(length & 0xFF), UInt8(length >> 8)]
            stream += [UInt8(~length & 0xFF), UInt8(~length >> 8)] + block
        } while !rest.isEmpty
        var (low, high): (UInt32, UInt32) = (1, 0)
        for byte in data {
            low = (low + UInt32(byte)) % 65_521
            high = (high + low) % 65_521
        }
        return stream + bigEndian(high << 16 | low)
    }

    private static func chunk(_ name: String, _ data: [UInt8]) -> [UInt8] {
        let body = Array(name.utf8) + data
        var code: UInt32 = 0xFFFF_FFFF
        for byte in body {
            code ^= UInt32(byte)
            for _ in 0..<8 { code = code & 1 == 1 ? code >> 1 ^ 0xEDB8_8320 : code >> 1 }
        }
        return bigEndian(UInt32(data.count)) + body + bigEndian(~code)
    }

    private static func bigEndian(_ value: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> UInt32($0)) }
    }
}

extension World {
    /// What the QR routes show of a session for a telephone to scan, in Base64; another one with each code.
    ///
    /// Where nobody is told of codes they are not counted: then it is another one after each ``SimulatorConfiguration/qrLife``.
    func picture(of session: SimulatedSession, now: Timestamp) -> String {
        guard configuration.drawsPictures else { return configuration.qrImage }
        let life = max(1, configuration.qrLife.microseconds)
        let lives = session.contract == .waha ? 0 : max(0, (now - session.since).microseconds / life)
        let name = session.name.utf8.reduce(configuration.seed) { mixed($0, UInt64($1)) }
        let code = mixed(session.boots, UInt64(session.codes) + UInt64(lives))
        return PairingPicture.base64(seed: mixed(name, code))
    }
}
