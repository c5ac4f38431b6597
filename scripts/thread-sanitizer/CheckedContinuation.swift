// The two functions of Swift's concurrency library that make a checked continuation, as they are there.
//
// Inside the library they call its own `swift_continuation_await`; compiled here they call the one in `order.c`, which
// stands before it. Like that file, this one is linked into what `scripts/test --sanitize=thread` runs, and into nothing
// else.

/// Stands before `withCheckedContinuation(isolation:function:_:)`.
@_silgen_name("$ss23withCheckedContinuation9isolation8function_xScA_pSgYi_SSyScCyxs5NeverOGXEtYalF")
public func makeCheckedContinuation<Value>(
    isolation: isolated (any Actor)?,
    function: String,
    _ body: (CheckedContinuation<Value, Never>) -> Void
) async -> sending Value {
    await withUnsafeContinuation(isolation: isolation) { continuation in
        body(CheckedContinuation(continuation: continuation, function: function))
    }
}

/// Stands before `withCheckedThrowingContinuation(isolation:function:_:)`.
@_silgen_name("$ss31withCheckedThrowingContinuation9isolation8function_xScA_pSgYi_SSyScCyxs5Error_pGXEtYaKlF")
public func makeCheckedThrowingContinuation<Value>(
    isolation: isolated (any Actor)?,
    function: String,
    _ body: (CheckedContinuation<Value, any Error>) -> Void
) async throws -> sending Value {
    try await withUnsafeThrowingContinuation(isolation: isolation) { continuation in
        body(CheckedContinuation(continuation: continuation, function: function))
    }
}
