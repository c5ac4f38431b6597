package import NIOCore

/// Runs tasks on the thread of one event loop, so that what they send leaves without a change of thread.
///
/// A hop between a loop and the concurrency pool costs about 10 us of CPU, and more where a thread must wake up for it.
package final class EventLoopTaskExecutor: TaskExecutor {
    private let eventLoop: any EventLoop

    package init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        eventLoop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
