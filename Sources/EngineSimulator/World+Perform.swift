import Domain
import NIOCore

extension World {
    /// Does what a call asks and says so.
    ///
    /// - Parameters:
    ///   - call: what is asked; its token was accepted.
    ///   - number: the call's place in the log, which learns the effect.
    ///   - delay: grows by the time that a stop takes.
    ///   - now: when the call takes effect.
    /// - Returns: the answer.
    mutating func perform(_ call: ContractCall, number: Int, delay: inout Duration, now: Timestamp) -> ContractReply {
        switch call.line.contract {
        case .wawp: performWawp(call, number: number, delay: &delay, now: now)
        case .waha: performWAHA(call, number: number, delay: &delay, now: now)
        }
    }

    private mutating func performWawp(
        _ call: ContractCall,
        number: Int,
        delay: inout Duration,
        now: Timestamp
    ) -> ContractReply {
        if call.operation == .create { return create(number: number, now: now) }
        guard let instanceID = call.instanceID else {
            return ContractError.missingInstance.reply(behaviour.errorFormat)
        }
        guard let index = find(instanceID, now: now) else {
            return ContractError.unknownSession.reply(
                behaviour.errorFormat,
                message: behaviour.errorFormat == .json ? nil : "Session not found"
            )
        }
        adopt(index, by: .wawp, now: now)
        let before = sessions[index].status
        log.update(number) { $0.before = before }

        switch call.operation {
        case .info:
            return describe(index, says: before, isCommand: false, call: call)
        case .start:
            return finish(start(index, .wawp, now: now), index, number: number, call: call)
        case .stop:
            let result = stop(index, now: now)
            if before != .stopped { delay = delay + configuration.stopTime }
            return finish(result, index, number: number, call: call)
        case .restart:
            let result = restart(index, .wawp, now: now)
            if before != .stopped { delay = delay + configuration.stopTime }
            return finish(result, index, number: number, call: call)
        case .logout:
            return finish(logOut(index, now: now), index, number: number, call: call)
        case .delete:
            return delete(index, number: number)
        case .create, .me, .webhookGet, .webhookSet, .rateLimitGet, .rateLimitSet, .linkGet, .linkCreate, .linkDelete,
            .qrImage, .qr, .requestCode, .list, .update, .ping, .health, .serverVersion, .serverStatus:
            return performBeside(call, index, number: number, now: now)
        }
    }

    /// A success that did not happen.
    mutating func claim(_ call: ContractCall, now: Timestamp) -> ContractReply {
        switch call.operation {
        case .stop: read(call, now: now, saying: .stopped, isCommand: true)
        case .start, .restart: read(call, now: now, saying: .starting, isCommand: true)
        case .list: .json(200, "[]")
        default: read(call, now: now, saying: .working)
        }
    }

    /// What info would say if the session's status were the one given.
    mutating func read(
        _ call: ContractCall,
        now: Timestamp,
        saying status: SessionStatus,
        isCommand: Bool = false
    ) -> ContractReply {
        guard let instanceID = call.instanceID else {
            return ContractError.missingInstance.reply(behaviour.errorFormat)
        }
        guard let index = find(instanceID, now: now) else {
            return ContractError.unknownSession.reply(behaviour.errorFormat, to: call.line)
        }
        return describe(index, says: status, isCommand: isCommand, call: call)
    }

    func describe(_ index: Int, says status: SessionStatus, isCommand: Bool, call: ContractCall) -> ContractReply {
        switch call.line.contract {
        case .wawp:
            .session(
                sessions[index],
                says: status,
                httpStatus: isCommand ? behaviour.successStatus : 200,
                // Wawp prints the owner and the QR for info; a command that changed nothing shows them too.
                showsOwner: !isCommand || status == .working,
                qrImage: configuration.qrImage,
                behaviour: behaviour
            )
        case .waha: wahaReply(index, says: status, httpStatus: isCommand ? 201 : 200)
        }
    }

    mutating func finish(_ result: CommandResult, _ index: Int, number: Int, call: ContractCall) -> ContractReply {
        switch result {
        case .done(let effect, let status):
            log.update(number) { $0.effect = effect }
            return describe(index, says: status, isCommand: true, call: call)
        case .refused(let message):
            return ContractError.wrongState(message).reply(behaviour.errorFormat, to: call.line)
        case .tooSoon:
            return ContractError.tooSoon.reply(.json, to: call.line)
        }
    }

    private mutating func create(number: Int, now: Timestamp) -> ContractReply {
        if let left = behaviour.quotaLeft {
            guard left > 0 else { return ContractError.quota.reply(behaviour.errorFormat) }
            behaviour.quotaLeft = left - 1
        }
        let identity = nextIdentity()
        put(SimulatedSession(seed: identity, now: now))
        log.update(number) { $0.effect = .created }
        var body = ByteBuffer(string: "{\"instance_id\":")
        body.writeJSON(identity.instanceID)
        body.writeStaticString(",\"session_name\":")
        body.writeJSON(identity.sessionName)
        body.writeStaticString(",\"server_name\":\"node-1\"}")
        return ContractReply(status: 201, body: body)
    }

    private mutating func delete(_ index: Int, number: Int) -> ContractReply {
        let session = sessions[index]
        remove(session.instanceID)
        log.update(number) { $0.effect = .deleted }
        var body = ByteBuffer(string: "{\"name\":")
        body.writeJSON(session.name)
        body.writeStaticString(",\"status\":\"DELETED\",\"instance_id\":")
        body.writeJSON(session.instanceID)
        body.writeStaticString("}")
        return ContractReply(status: 200, body: body)
    }
}
