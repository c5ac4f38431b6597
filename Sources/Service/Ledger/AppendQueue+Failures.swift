import LibPQ

// What the failure of a batch says of the batch, and what of the database.
extension AppendQueue {
    /// Whether the same batch may be committed by another try.
    static func mayPass(_ error: any Error) -> Bool {
        guard let error = error as? PQError else { return error is AppendBatch.AgentNotLocked }
        return error.isTransient || error.kind == .commitUnknown
    }

    /// Whether nothing shows that one of the events is to blame.
    ///
    /// `error`: `nil` for one that is not the database's own.
    static func isTheDatabases(_ error: PQError?) -> Bool {
        error.map { $0.isTransient || $0.kind == .commitUnknown || $0.kind == .notReplicated } ?? true
    }
}

extension PQError {
    /// Whether a statement took too long, rather than that none could be sent.
    var isTimeOut: Bool { kind == .timedOut || (kind == .server && sqlState == "57014") }
}
