// Tells ThreadSanitizer of two orders that Swift's libraries make and it cannot see, since they are not instrumented.
//
// Linked into what `scripts/test --sanitize=thread` runs, and into nothing else. Without it, what a `Mutex` guards and what a
// continuation brings are at times reported as races. The functions stand before those of the same names in the libraries, call
// them, and say what these do and no more: no race is hidden. Should another release name them otherwise, the reports come back.
// Source: Swift 6.3's libraries, disassembled; LinuxImpl.swift (Mutex) and Task.cpp (continuations) in its stdlib/public.
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>

#define SWIFT __attribute__((swiftcall))
#define ASYNC __attribute__((swiftasynccall))
#define NEXT(name) dlsym(RTLD_NEXT, name)

// Weak, because the tools of the build are linked with this file too and have no ThreadSanitizer.
__attribute__((weak)) void __tsan_acquire(void *address);
__attribute__((weak)) void __tsan_release(void *address);

static void acquire(void *address) {
    if (__tsan_acquire) __tsan_acquire(address);
}

static void release(void *address) {
    if (__tsan_release) __tsan_release(address);
}

// Mutex: a word and a futex. What takes and leaves a free one is an atomic instruction in our own code, which ThreadSanitizer sees.
// While somebody waits it is done in libswiftSynchronization.

#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define TRY_LOCK "$s15Synchronization12_MutexHandleV12_tryLockSlowSbyF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"
#define MUTEX __attribute__((swift_context)) void *mutex

SWIFT void lock_slow(uint32_t thread, MUTEX) __asm__(LOCK);
SWIFT bool try_lock_slow(MUTEX) __asm__(TRY_LOCK);
SWIFT void unlock_slow(MUTEX) __asm__(UNLOCK);

SWIFT void lock_slow(uint32_t thread, MUTEX) {
    SWIFT void (*lock)(uint32_t, MUTEX) = NEXT(LOCK);
    lock(thread, mutex);
    acquire(mutex);
}

SWIFT bool try_lock_slow(MUTEX) {
    SWIFT bool (*try_lock)(MUTEX) = NEXT(TRY_LOCK);
    bool is_taken = try_lock(mutex);
    if (is_taken) acquire(mutex);
    return is_taken;
}

SWIFT void unlock_slow(MUTEX) {
    SWIFT void (*unlock)(MUTEX) = NEXT(UNLOCK);
    release(mutex);
    unlock(mutex);
}

// Continuation: who resumes it tells ThreadSanitizer so, and a task that was suspended meanwhile tells that it goes on. One that is
// resumed before it could be suspended goes on at once, on its thread, through the context's `resume`, and does not.

struct context {
    struct context *parent;
    ASYNC void (*resume)(__attribute__((swift_async_context)) struct context *);
};

SWIFT void *swift_task_getCurrent(void);

static __thread ASYNC void (*resume)(__attribute__((swift_async_context)) struct context *);

static ASYNC void resume_at_once(__attribute__((swift_async_context)) struct context *context) {
    context->resume = resume;
    acquire(swift_task_getCurrent());
    __attribute__((musttail)) return resume(context);
}

// A suspended task goes on where `swift_continuation_init` read that it would, no longer through the context. Nobody asks on Linux
// that it changes its executor here, the one case in which the context would be used on another thread.
ASYNC void swift_continuation_await(struct context *context) {
    ASYNC void (*await)(struct context *) = NEXT("swift_continuation_await");
    resume = context->resume;
    context->resume = resume_at_once;
    __attribute__((musttail)) return await(context);
}
