import Domain
import NIOCore

/// How a call ends on the wire.
struct Outcome: Sendable {
    enum Wire: Sendable {
        case answer(ContractReply)
        /// The connection closes without a word.
        case drop
        /// The connection closes within the body.
        ///
        /// Between its first half and the end this long (simulated) passes.
        case cut(ContractReply, after: Duration)
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
    mutating func delayBeforeEffect(of call: ContractCall, now: Timestamp) -> Duration {
        guard !faults.isEmpty,
            let fault = faults.take([.late], for: call.operation, of: call.instanceID ?? "", now: now)
        else { return .zero }
        return .milliseconds(fault.parameters.ms ?? 1000)
    }

    /// Serves one call: faults of the way first, then token, parameters and the operation itself.
    mutating func serve(_ call: ContractCall, number: Int, now: Timestamp) -> Outcome {
        var outcome = Outcome(wire: .drop, delay: configuration.latency, number: number)
        if let wire = blocked(call, now: now) {
            outcome.wire = wire
            return outcome
        }
        guard let token = call.token else {
            outcome.wire = .answer(
                ContractError.missingToken.reply(
                    behaviour.errorFormat,
                    to: call.line,
                    status: missingTokenStatus(call.line)
                )
            )
            return outcome
        }
        guard configuration.tokens.contains(token) else {
            outcome.wire = .answer(ContractError.invalidToken.reply(behaviour.errorFormat, to: call.line))
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

    /// What a call without a token is answered; Wawp's pages name two statuses.
    private func missingTokenStatus(_ line: RequestLine) -> Int {
        switch line.contract {
        case .wawp: behaviour.missingTokenStatus
        case .waha: 401
        }
    }

    /// What keeps a call from reaching the engine at all.
    private mutating func blocked(_ call: ContractCall, now: Timestamp) -> Outcome.Wire? {
        guard !faults.isEmpty,
            let fault = faults.take([.outage], for: call.operation, of: call.instanceID ?? "", now: now)
        else { return nil }
        switch fault.parameters.mode {
        case "drop": return .drop
        case "hang": return .hang(.milliseconds(fault.parameters.ms ?? 120_000))
        case "503":
            return .answer(
                ContractError.upstream.reply(.html, to: call.line, status: 503, message: "Service Unavailable")
            )
        default: return .answer(ContractError.upstream.reply(fault.parameters.format ?? .json, to: call.line))
        }
    }

    private static let callFaults: Set<FaultKind> = [
        .hang, .dropBeforeEffect, .dropAfterEffect, .cutReply, .lying200, .empty200, .errorIn200, .garbage200,
        .oversize,
        .unauthorized, .rateLimited, .error, .staleRead,
    ]

    /// Serves a call while faults are in force.
    private mutating func faulty(
        _ call: ContractCall,
        number: Int,
        delay: inout Duration,
        now: Timestamp
    ) -> Outcome.Wire {
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
            return .cut(
                perform(call, number: number, delay: &delay, now: now),
                after: .milliseconds(parameters.ms ?? 0)
            )
        case .empty200:
            _ = perform(call, number: number, delay: &delay, now: now)
            return .answer(ContractReply(status: 200))
        case .garbage200:
            _ = perform(call, number: number, delay: &delay, now: now)
            return .answer(.json(200, "<br />\n<b>Warning</b>: {\"status\":\"WORKING\""))
        case .oversize:
            let reply = perform(call, number: number, delay: &delay, now: now)
            return .answer(oversized(reply, bytes: parameters.bytes ?? 1 << 20))
        case .error:
            if parameters.effect == true { _ = perform(call, number: number, delay: &delay, now: now) }
            return .answer(ordered(parameters, to: call.line))
        case .unauthorized:
            return .answer(ContractError.invalidToken.reply(parameters.format ?? behaviour.errorFormat, to: call.line))
        case .rateLimited:
            var reply = ContractError.rateLimited.reply(parameters.format ?? .json, to: call.line)
            reply.retryAfter = parameters.retryAfter ?? "2"
            return .answer(reply)
        case .errorIn200:
            return .answer(
                ContractError.unknownSession.reply(
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
            .flicker, .dead, .resurrect, .startWins, .unlisted:
            return .answer(perform(call, number: number, delay: &delay, now: now))
        }
    }

    /// An error as the fault words it.
    private func ordered(_ parameters: FaultParameters, to line: RequestLine) -> ContractReply {
        let status = parameters.httpStatus ?? 500
        let error: ContractError = status == 502 ? .upstream : .internalError
        var reply = error.reply(
            parameters.format ?? .json,
            to: line,
            status: status,
            code: parameters.code,
            message: parameters.message
        )
        reply.retryAfter = parameters.retryAfter
        reply.location = parameters.location
        return reply
    }

    /// The same answer with a member in front that makes it too long; in a list, with an entry in front.
    private func oversized(_ reply: ContractReply, bytes: Int) -> ContractReply {
        let isList = reply.body.readableBytesView.first == UInt8(ascii: "[")
        var body = ByteBuffer(string: isList ? "[{\"padding\":\"" : "{\"padding\":\"")
        body.writeRepeatingByte(UInt8(ascii: "x"), count: max(0, min(bytes, 64 << 20)))
        body.writeString(isList ? (reply.body.readableBytes > 2 ? "\"}," : "\"}") : "\",")
        body.writeImmutableBuffer(
            reply.body.getSlice(at: 1, length: max(0, reply.body.readableBytes - 1)) ?? ByteBuffer()
        )
        return ContractReply(status: reply.status, body: body)
    }
}
