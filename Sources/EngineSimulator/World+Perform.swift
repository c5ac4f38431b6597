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
    mutating func perform(_ call: WawpCall, number: Int, delay: inout Duration, now: Timestamp) -> WawpReply {
        if call.operation == .create { return create(number: number, now: now) }
        guard let instanceID = call.instanceID else { return WawpError.missingInstance.reply(behaviour.errorFormat) }
        guard let index = find(instanceID, now: now) else {
            return WawpError.unknownSession.reply(
                behaviour.errorFormat,
                message: behaviour.errorFormat == .json ? nil : "Session not found"
            )
        }
        let before = sessions[index].status
        log.update(number) { $0.before = before }

        switch call.operation {
        case .info:
            return describe(index, says: before, isCommand: false)
        case .start:
            return finish(start(index, now: now), index, number: number)
        case .stop:
            let result = stop(index, now: now)
            if before != .stopped { delay = delay + configuration.stopTime }
            return finish(result, index, number: number)
        case .restart:
            let result = restart(index, now: now)
            if before != .stopped { delay = delay + configuration.stopTime }
            return finish(result, index, number: number)
        case .logout:
            return finish(logOut(index, now: now), index, number: number)
        case .delete:
            return delete(index, number: number)
        case .create, .me, .webhookGet, .webhookSet, .rateLimitGet, .rateLimitSet, .linkGet, .linkCreate, .linkDelete,
            .qrImage, .qr, .requestCode:
            return performBeside(call, index, number: number, now: now)
        }
    }

    /// A success that did not happen.
    mutating func claim(_ call: WawpCall, now: Timestamp) -> WawpReply {
        switch call.operation {
        case .stop: read(call, now: now, saying: .stopped, isCommand: true)
        case .start, .restart: read(call, now: now, saying: .starting, isCommand: true)
        default: read(call, now: now, saying: .working)
        }
    }

    /// What info would say if the session's status were the one given.
    mutating func read(
        _ call: WawpCall,
        now: Timestamp,
        saying status: SessionStatus,
        isCommand: Bool = false
    ) -> WawpReply {
        guard let instanceID = call.instanceID else { return WawpError.missingInstance.reply(behaviour.errorFormat) }
        guard let index = find(instanceID, now: now) else {
            return WawpError.unknownSession.reply(behaviour.errorFormat)
        }
        return describe(index, says: status, isCommand: isCommand)
    }

    private func describe(_ index: Int, says status: SessionStatus, isCommand: Bool) -> WawpReply {
        .session(
            sessions[index],
            says: status,
            httpStatus: isCommand ? behaviour.successStatus : 200,
            // Wawp prints the owner and the QR for info; a command that changed nothing shows them too.
            showsOwner: !isCommand || status == .working,
            qrImage: configuration.qrImage,
            behaviour: behaviour
        )
    }

    private mutating func finish(_ result: CommandResult, _ index: Int, number: Int) -> WawpReply {
        switch result {
        case .done(let effect, let status):
            log.update(number) { $0.effect = effect }
            return describe(index, says: status, isCommand: true)
        case .refused(let message):
            return WawpError.wrongState(message).reply(behaviour.errorFormat)
        case .tooSoon:
            return WawpError.tooSoon.reply(.json)
        }
    }

    private mutating func create(number: Int, now: Timestamp) -> WawpReply {
        if let left = behaviour.quotaLeft {
            guard left > 0 else { return WawpError.quota.reply(behaviour.errorFormat) }
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
        return WawpReply(status: 201, body: body)
    }

    private mutating func delete(_ index: Int, number: Int) -> WawpReply {
        let session = sessions[index]
        remove(session.instanceID)
        log.update(number) { $0.effect = .deleted }
        var body = ByteBuffer(string: "{\"name\":")
        body.writeJSON(session.name)
        body.writeStaticString(",\"status\":\"DELETED\",\"instance_id\":")
        body.writeJSON(session.instanceID)
        body.writeStaticString("}")
        return WawpReply(status: 200, body: body)
    }
}
