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

    /// The limit for this process, for which its soft limit of descriptors is raised as far as the hard one allows: shells and
    /// service managers set it to 1,024 for programs that use `select`, and none is used here.
    static func current() -> Int {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return of(descriptors: 0) }
        let wanted = min(rlim_t(most + reserve), limit.rlim_max)
        if limit.rlim_cur < wanted {
            var raised = rlimit(rlim_cur: wanted, rlim_max: limit.rlim_max)
            if setrlimit(resource, &raised) == 0 { limit = raised }
        }
        return of(descriptors: Int(clamping: limit.rlim_cur))
    }
}
