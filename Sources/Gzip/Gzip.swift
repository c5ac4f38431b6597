import CZlib

/// Compresses bytes into the gzip format (RFC 1952) with the system's zlib.
///
/// zlib's pointers do not leave this file.
package enum Gzip {
    /// How hard to try: what is compressed once may take longer than what is compressed for every request.
    package enum Effort: Int32, Sendable {
        // From 4 on zlib looks for longer repetitions: of the fleet's page a tenth less, for half a millisecond more.
        case quick = 4
        case thorough = 9
    }

    /// Adding 16 to the largest window asks zlib for gzip's head and end.
    private static let windowBits: Int32 = 15 + 16
    private static let memoryLevel: Int32 = 8

    /// The compressed bytes; `nil` when zlib has no memory or there is more than it takes in one go (4 GiB).
    package static func compress(_ bytes: [UInt8], effort: Effort) -> [UInt8]? {
        guard var rest = UInt32(exactly: bytes.count) else { return nil }
        var stream = unsafe z_stream()
        let opened = unsafe deflateInit2_(
            &stream,
            effort.rawValue,
            Z_DEFLATED,
            windowBits,
            memoryLevel,
            Z_DEFAULT_STRATEGY,
            ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size)
        )
        guard opened == Z_OK else { return nil }
        defer { unsafe deflateEnd(&stream) }
        let limit = unsafe deflateBound(&stream, UInt(bytes.count))
        return unsafe bytes.withUnsafeBufferPointer { source in
            var isDone = false
            let packed = unsafe [UInt8](unsafeUninitializedCapacity: Int(limit)) { target, count in
                // zlib only reads from `next_in`; its declaration is older than `const`. Both buffers outlive the call, and
                // the bound is what one call with all input and Z_FINISH needs at most.
                unsafe stream.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
                unsafe swap(&stream.avail_in, &rest)
                unsafe stream.next_out = target.baseAddress
                unsafe stream.avail_out = UInt32(clamping: target.count)
                isDone = unsafe deflate(&stream, Z_FINISH) == Z_STREAM_END
                count = isDone ? Int(unsafe stream.total_out) : 0
            }
            return isDone ? packed : nil
        }
    }
}
