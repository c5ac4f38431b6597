import CLibPQ
import Glibc

/// A connection that libpq has begun to make, or could not.
///
/// Proof for `@unchecked Sendable`: the thread that began it puts it here and keeps nothing; the reactor's thread takes
/// it out. The queue between them orders the two. Whoever has this object last without taking, frees the connection.
@safe final class StartedConnection: @unchecked Sendable {
    /// Which connection of the pool it is for.
    let id: UInt64
    /// Which attempt of it: one that was given up is recognised by its number.
    let attempt: UInt64
    let notices = Notices()
    private var pointer: OpaquePointer?

    init(id: UInt64, attempt: UInt64, _ parameters: ConnectTarget.Parameters) {
        self.id = id
        self.attempt = attempt
        let pairs = parameters.sorted { $0.key < $1.key }
        unsafe self.pointer = Self.start(pairs.map(\.key), pairs.map(\.value))
        if let pointer = unsafe pointer { unsafe notices.attach(to: pointer) }
    }

    deinit {
        if let pointer = unsafe pointer { unsafe PQfinish(pointer) }
    }

    /// Hands the connection over; `nil` when there is none, or it was taken.
    func take() -> OpaquePointer? {
        defer { unsafe pointer = nil }
        return unsafe pointer
    }

    /// Resolves names, which may block for as long as the system's resolver likes, and begins to connect.
    private static func start(_ keywords: [String], _ values: [String]) -> OpaquePointer? {
        let keywordCopies = unsafe keywords.map { unsafe strdup($0) }
        let valueCopies = unsafe values.map { unsafe strdup($0) }
        defer { unsafe (keywordCopies + valueCopies).forEach { unsafe free($0) } }
        let keywordPointers = unsafe keywordCopies.map { unsafe UnsafePointer($0) } + [nil]
        let valuePointers = unsafe valueCopies.map { unsafe UnsafePointer($0) } + [nil]
        return unsafe PQconnectStartParams(keywordPointers, valuePointers, 0)
    }
}
