/// Reads a compiled zone file (TZif), as every Linux has them in `/usr/share/zoneinfo`.
///
/// Source: RFC 8536. Files of version 1 end in 2037; later versions repeat everything in 64 bits and add the yearly
/// rule. Files that count leap seconds (`right/…`) are refused, since their seconds are not Unix seconds.
extension ZoneRules {
    /// The most bytes a zone file may have; the largest of tzdata 2026f has 3,600.
    package static let fileSizeLimit = 65_536

    /// Rules from a zone file's bytes; `nil` when they are not a zone file.
    ///
    /// - Parameters:
    ///   - name: the IANA name, for ``name``; the file itself does not hold it.
    ///   - file: the whole file.
    package init?(name: String, file: [UInt8]) {
        guard file.count <= Self.fileSizeLimit else { return nil }
        var reader = ZoneFileReader(rest: file[...])
        guard var header = reader.header() else { return nil }
        var timeWidth = 4
        if header.version >= UInt8(ascii: "2") {
            guard reader.take(header.blockSize(timeWidth: 4)) != nil, let second = reader.header() else { return nil }
            header = second
            timeWidth = 8
        }
        guard let block = reader.block(header, timeWidth: timeWidth) else { return nil }
        var yearly: YearlyRule?
        if timeWidth == 8 {
            guard let line = reader.lastLine() else { return nil }
            if !line.isEmpty {
                guard let rule = YearlyRule(line) else { return nil }
                yearly = rule
            }
        }
        self.init(name: name, changes: block.changes, firstOffset: block.firstOffset, yearly: yearly)
    }
}

/// The counts at the front of a block.
private struct ZoneFileHeader {
    /// 0, or an ASCII digit from `2` on.
    var version: UInt8
    var universalFlags: Int
    var standardFlags: Int
    var leapSeconds: Int
    var changes: Int
    var types: Int
    var nameBytes: Int

    func blockSize(timeWidth: Int) -> Int {
        changes * (timeWidth + 1) + types * 6 + nameBytes + leapSeconds * (timeWidth + 4) + standardFlags
            + universalFlags
    }
}

/// Reads big-endian numbers from the front of a zone file.
private struct ZoneFileReader {
    var rest: ArraySlice<UInt8>

    mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
        guard count <= rest.count else { return nil }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    mutating func header() -> ZoneFileHeader? {
        guard let start = take(20), start.starts(with: "TZif".utf8) else { return nil }
        let counts = (0..<6).compactMap { _ in take(4).map { Int(bigEndian($0)) } }
        guard counts.count == 6, counts.allSatisfy({ (0...ZoneRules.fileSizeLimit).contains($0) }) else { return nil }
        return ZoneFileHeader(
            version: start[start.startIndex + 4],
            universalFlags: counts[0],
            standardFlags: counts[1],
            leapSeconds: counts[2],
            changes: counts[3],
            types: counts[4],
            nameBytes: counts[5]
        )
    }

    mutating func block(_ header: ZoneFileHeader, timeWidth: Int) -> (changes: [ClockChange], firstOffset: Int64)? {
        guard header.leapSeconds == 0, header.types > 0, var block = take(header.blockSize(timeWidth: timeWidth))
        else { return nil }
        var times: [Int64] = []
        for _ in 0..<header.changes {
            // Some files begin before the universe did; nothing is lost by beginning with it.
            times.append(max(bigEndian(block.prefix(timeWidth)), -(1 << 59)))
            block = block.dropFirst(timeWidth)
        }
        let kinds = block.prefix(header.changes).map(Int.init)
        block = block.dropFirst(header.changes)
        var offsets: [Int64] = []
        for _ in 0..<header.types {
            offsets.append(bigEndian(block.prefix(4)))
            block = block.dropFirst(6)
        }
        guard offsets.allSatisfy({ abs($0) < 26 * 3600 }), kinds.allSatisfy({ $0 < offsets.count }),
            zip(times, times.dropFirst()).allSatisfy({ $0 < $1 })
        else { return nil }
        var changes: [ClockChange] = []
        var before = offsets[0]
        for (time, kind) in zip(times, kinds) where offsets[kind] != before {
            changes.append(ClockChange(at: time, before: before, after: offsets[kind]))
            before = offsets[kind]
        }
        return (changes, offsets[0])
    }

    /// What stands between the last two line feeds.
    func lastLine() -> ArraySlice<UInt8>? {
        guard rest.count >= 2, rest.first == 10, rest.last == 10 else { return nil }
        return rest.dropFirst().dropLast()
    }

    private func bigEndian(_ bytes: ArraySlice<UInt8>) -> Int64 {
        let value = bytes.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return bytes.count == 4 ? Int64(Int32(truncatingIfNeeded: value)) : Int64(bitPattern: value)
    }
}
