import Glibc

/// How many connections a listener keeps open at a time; the next waits until one closes.
///
/// What the process needs besides (the database, engines, the log) must never find all descriptors taken by who merely
/// connects.
enum ConnectionLimit {
    /// More than a thousand watchers and the senders beside them; each costs some tens of kilobytes.
    static let most = 8192
    /// Descriptors that are left for everything else.
    static let reserve = 512
    /// However few descriptors there are.
    static let least = 64

    /// The limit for a process that may have so many descriptors.
    static func of(descriptors: Int) -> Int {
        max(least, min(most, descriptors - reserve))
    }

    /// The limit for this process.
    static func current() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return of(descriptors: 0) }
        return of(descriptors: Int(clamping: limit.rlim_cur))
    }
}
