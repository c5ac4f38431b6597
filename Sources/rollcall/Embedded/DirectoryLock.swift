import Glibc

/// Keeps a second Rollcall out of a folder; the kernel lets go of it however the process ends.
///
/// Not copyable, so that the descriptor is closed exactly once.
struct DirectoryLock: ~Copyable {
    private let descriptor: CInt

    /// Takes the lock.
    ///
    /// - Parameter path: a file, made when it is not there.
    /// - Throws: when somebody else has it.
    init(path: String) throws(EmbeddedError) {
        // Close-on-exec: a PostgreSQL that inherited the descriptor would hold the lock after our end.
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw EmbeddedError(.folderUnusable, "cannot write \(path); choose a folder that Rollcall may write to")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw EmbeddedError(.folderInUse, "another Rollcall uses this folder (\(path)); stop it or choose another")
        }
    }

    deinit {
        close(descriptor)
    }
}
