import Domain
import NIOCore

/// How a call ends on the wire.
struct Outcome: Sendable {
    enum Wire: Sendable {
        case answer(WawpReply)
        /// The connection closes without a word.
        case drop
        /// The connection closes within the body.
        case cut(WawpReply)
        /// Nothing comes for this long (simulated), then the connection closes.
        case hang(Duration)
    }

    var wire: Wire
    /// How long before it, simulated.
    var delay: Duration
    /// The call's number in the log.
    var number: Int
}

extension World {
    /// How long a call waits before the engine even looks at it.
    mutating func delayBeforeEffect(of call: WawpCall, now: Timestamp) -> Duration {
        guard !faults.isEmpty,
            let fault = faults.take([.late], for: call.operation, of: call.instanceID ?? "", now: now)
        else { return .zero }
        return .milliseconds(fault.parameters.ms ?? 1000)
    }

    /// Serves one call: faults of the way first, then token, parameters and the operation itself.
    mutating func serve(_ call: WawpCall, number: Int, now: Timestamp) -> Outcome {
        var outcome = Outcome(wire: .drop, delay: configuration.latency, number: number)
        if let wire = blocked(call, now: now) {
            outcome.wire = wire
            return outcome
        }
        guard let token = call.token else {
            outcome.wire = .answer(
                WawpError.missingToken.reply(behaviour.errorFormat, status: behaviour.missingTokenStatus)
            )
            return outcome
        }
        guard configuration.tokens.contains(token) else {
            outcome.wire = .answer(WawpError.invalidToken.reply(behaviour.errorFormat))
            return outcome
        }
        guard !faults.isEmpty else {
            outcome.wire = .answer(perform(call, number: number, delay: &outcome.delay, now: now))
            return outcome
        }
        if let fault = faults.take([.slow], for: call.operation, of: call.instanceID ?? "", now: now) {
            outcome.delay = outcome.delay + .milliseconds(fault.parameters.ms ?? 1000)
        }
        outcome.wire = faulty(call, number: number, delay: &outcome.delay, now: now)
        return outcome
    }

    /// What keeps a call from reaching the engine at all.
    private mutating func blocked(_ call: WawpCall, now: Timestamp) -> Outcome.Wire? {
        guard !faults.isEmpty,
            let fault = faults.take([.outage], for: call.operation, of: call.instanceID ?? "", now: now)
        else { return nil }
        switch fault.parameters.mode {
        case "drop": return .drop
        case "hang": return .hang(.milliseconds(fault.parameters.ms ?? 120_000))
        case "503": return .answer(WawpError.upstream.reply(.html, status: 503, message: "Service Unavailable"))
        default: return .answer(WawpError.upstream.reply(fault.parameters.format ?? .json))
        }
    }

    private static let callFaults: Set<FaultKind> = [
        .hang, .dropBeforeEffect, .dropAfterEffect, .cutReply, .lying200, .empty200, .errorIn200, .garbage200,
        .oversize,
        .unauthorized, .rateLimited, .error, .staleRead,
    ]

    /// Serves a call while faults are in force.
    private mutating func faulty(_ call: WawpCall, number: Int, delay: inout Duration, now: Timestamp) -> Outcome.Wire {
        // A read's own fault must not be used up by a command.
        let kinds = call.operation == .info ? Self.callFaults : Self.callFaults.subtracting([.staleRead])
        guard let fault = faults.take(kinds, for: call.operation, of: call.instanceID ?? "", now: now) else {
            return .answer(perform(call, number: number, delay: &delay, now: now))
        }
        let parameters = fault.parameters
        switch fault.kind {
        case .hang:
            if parameters.effect == true { _ = perform(call, number: number, delay: &delay, now: now) }
            return .hang(.milliseconds(parameters.ms ?? 120_000))
        case .dropBeforeEffect:
            return .drop
        case .dropAfterEffect:
            _ = perform(call, number: number, delay: &delay, now: now)
            return .drop
        case .cutReply:
            return .cut(perform(call, number: number, delay: &delay, now: now))
        case .empty200:
            _ = perform(call, number: number, delay: &delay, now: now)
            return .answer(WawpReply(status: 200))
        case .garbage200:
            _ = perform(call, number: number, delay: &delay, now: now)
            return .answer(.json(200, "<br />\n<b>Warning</b>: {\"status\":\"WORKING\""))
        case .oversize:
            let reply = perform(call, number: number, delay: &delay, now: now)
            return .answer(oversized(reply, bytes: parameters.bytes ?? 1 << 20))
        case .error:
            if parameters.effect == true { _ = perform(call, number: number, delay: &delay, now: now) }
            return .answer(ordered(parameters))
        case .unauthorized:
            return .answer(WawpError.invalidToken.reply(parameters.format ?? behaviour.errorFormat))
        case .rateLimited:
            var reply = WawpError.rateLimited.reply(parameters.format ?? .json)
            reply.retryAfter = parameters.retryAfter ?? "2"
            return .answer(reply)
        case .errorIn200:
            return .answer(
                WawpError.unknownSession.reply(
                    .json,
                    status: 200,
                    code: parameters.code,
                    message: parameters.message ?? "Session closed"
                )
            )
        case .lying200:
            return .answer(claim(call, now: now))
        case .staleRead:
            return .answer(read(call, now: now, saying: SessionStatus(word: parameters.word ?? "STOPPED")))
        case .slow, .late, .outage, .stuckStarting, .failed, .needsQR, .vanish, .selfStop, .selfStart, .selfRestart,
            .flicker, .resurrect, .startWins:
            return .answer(perform(call, number: number, delay: &delay, now: now))
        }
    }

    /// An error as the fault words it.
    private func ordered(_ parameters: FaultParameters) -> WawpReply {
        let status = parameters.httpStatus ?? 500
        let error: WawpError = status == 502 ? .upstream : .internalError
        var reply = error.reply(
            parameters.format ?? .json,
            status: status,
            code: parameters.code,
            message: parameters.message
        )
        reply.retryAfter = parameters.retryAfter
        return reply
    }

    /// The same answer with a member in front that makes it too long.
    private func oversized(_ reply: WawpReply, bytes: Int) -> WawpReply {
        var body = ByteBuffer(string: "{\"padding\":\"")
        body.writeRepeatingByte(UInt8(ascii: "x"), count: max(0, min(bytes, 64 << 20)))
        body.writeStaticString("\",")
        body.writeImmutableBuffer(
            reply.body.getSlice(at: 1, length: max(0, reply.body.readableBytes - 1)) ?? ByteBuffer()
        )
        return WawpReply(status: reply.status, body: body)
    }
}
