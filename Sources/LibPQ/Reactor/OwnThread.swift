import Glibc

/// Starts an operating system thread that nothing else shares.
///
/// What blocks runs on one: Dispatch has no more threads than there are cores until it notices, a second later, that they are
/// blocked, and the cooperative pool takes its threads from there.
enum OwnThread {
    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Runs a closure on a new detached thread with every signal blocked; false when there can be no thread.
    static func start(_ run: @escaping @Sendable () -> Void) -> Bool {
        let body = unsafe Unmanaged.passRetained(Body(run))
        var thread = pthread_t()
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        defer { unsafe pthread_attr_destroy(&attributes) }
        unsafe pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        let code = unsafe pthread_create(
            &thread,
            &attributes,
            { argument in
                // Signals are the main thread's; a handler on this one would interrupt epoll for nothing.
                var all = sigset_t()
                unsafe sigfillset(&all)
                unsafe pthread_sigmask(SIG_BLOCK, &all, nil)
                if let argument = unsafe argument {
                    // Taken over exactly once: `start` retained it for this thread alone.
                    unsafe Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
                }
                return nil
            },
            unsafe body.toOpaque()
        )
        if code != 0 { unsafe body.release() }
        return code == 0
    }
}
