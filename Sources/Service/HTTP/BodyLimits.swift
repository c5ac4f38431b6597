package import Hummingbird
package import NIOCore

/// How much and how long a body may be.
package struct BodyLimits: Sendable {
    /// Bytes.
    package var sizeLimit: Int
    /// How long the sender may take for the whole body.
    package var sendTimeout: Duration
    /// How long a body may take that no route reads; the connection is closed then.
    ///
    /// Longer than ``sendTimeout`` and the time that its answer has to leave.
    package var unreadTimeout: Duration
    let deadlines: BodyDeadlines

    /// - Parameters:
    ///   - sizeLimit: bytes; 1 MiB is promised to senders.
    ///   - sendTimeout: 10 s is promised to senders.
    ///   - unreadTimeout: for what nobody reads.
    package init(
        sizeLimit: Int = 1_048_576,
        sendTimeout: Duration = .seconds(10),
        unreadTimeout: Duration = .seconds(20)
    ) {
        self.sizeLimit = sizeLimit
        self.sendTimeout = sendTimeout
        self.unreadTimeout = unreadTimeout
        deadlines = BodyDeadlines()
    }
}

extension Request {
    /// Whether a body follows the head; an announced length of 0 is none.
    package var hasBody: Bool {
        if let length = headers[.contentLength] { return length != "0" }
        return headers[.transferEncoding] != nil
    }
}

/// Reads a request's whole body, within limits of size and of time.
///
/// The framework has no limit of time of its own; a body that stops coming would keep its connection for ever.
///
/// - Throws: `body_too_large`, without reading when the announced length says so; `body_timeout`.
package func collectBody(
    _ request: Request,
    context: AppRequestContext,
    limits: BodyLimits
) async throws(Problem) -> ByteBuffer {
    guard request.hasBody else { return ByteBuffer() }
    if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > limits.sizeLimit {
        throw Problem(.bodyTooLarge)
    }
    let watch = limits.deadlines.begin(context.channel, timeout: limits.sendTimeout)
    defer { limits.deadlines.end(watch) }
    do {
        return try await request.body.collect(upTo: limits.sizeLimit)
    } catch is NIOTooManyBytesError {
        throw Problem(.bodyTooLarge)
    } catch {
        // The deadline's own error, or the sender is gone and nobody reads the answer.
        throw Problem(.bodyTimeout)
    }
}
