import Domain
import FoundationEssentials
import NIOCore

/// What WAHA does with a call; its sessions are called by their name, which is the instance id here.
///
/// Source: WAHA's OpenAPI file, 2026.7.1, its docs, and where they differ the source of 2024.10.8 as a switch.
extension World {
    /// Does what a call asks and says so; as ``performWawp(_:number:delay:now:)``.
    mutating func performWAHA(
        _ call: ContractCall,
        number: Int,
        delay: inout Duration,
        now: Timestamp
    ) -> ContractReply {
        switch call.operation {
        case .list: return listed(call, now: now)
        case .create: return createNamed(call, number: number, now: now)
        case .ping, .health, .serverVersion, .serverStatus: return serverRoute(call.operation)
        default: break
        }
        guard let name = call.instanceID, let index = find(name, now: now) else { return unknownToWAHA(call) }
        adopt(index, by: .waha, now: now)
        let before = sessions[index].status
        log.update(number) { $0.before = before }
        switch call.operation {
        case .info:
            return describe(index, says: before, isCommand: false, call: call)
        case .start:
            return finish(startWhenFree(index, delay: &delay, now: now), index, number: number, call: call)
        case .stop, .restart:
            let result = call.operation == .stop ? stop(index, now: now) : restart(index, call.line.contract, now: now)
            if before != .stopped { delay = delay + configuration.stopTime }
            return finish(result, index, number: number, call: call)
        case .logout:
            return finish(logOutAndStart(index, now: now), index, number: number, call: call)
        case .update:
            return update(call, index, number: number, now: now)
        case .delete:
            remove(sessions[index].instanceID)
            log.update(number) { $0.effect = .deleted }
            return ContractReply(status: 200)
        case .me:
            return .wahaOwner(before)
        case .qr, .requestCode:
            guard before == .scanQRCode else {
                delay = delay + .milliseconds(behaviour.stateWaitMs)
                return wrongState(sessions[index], name: sessions[index].instanceID)
            }
            return wahaPairing(call, sessions[index], now: now)
        default:
            return ContractError.internalError.reply(.json, to: call.line)
        }
    }

    /// An answer that describes a session after a call.
    func wahaReply(_ index: Int, says status: SessionStatus, httpStatus: Int) -> ContractReply {
        var body = ByteBuffer()
        body.reserveCapacity(256)
        body.writeWAHA(sessions[index], says: status, behaviour: behaviour)
        return ContractReply(status: httpStatus, body: body)
    }

    /// The list; stopped sessions are left out unless all are asked for.
    private mutating func listed(_ call: ContractCall, now: Timestamp) -> ContractReply {
        for index in sessions.indices { adopt(index, by: .waha, now: now) }
        settleAll(now: now)
        let listsStopped = call.parameter("all") == "true" && !behaviour.listLeavesOutStopped
        var body = ByteBuffer(string: "[")
        for session in sessions where listsStopped || session.status != .stopped {
            if faults.take([.unlisted], for: .list, of: session.instanceID, now: now) != nil { continue }
            if body.readableBytes > 1 { body.writeStaticString(",") }
            body.writeWAHA(session, says: session.status, behaviour: behaviour)
        }
        body.writeStaticString("]")
        return ContractReply(status: 200, body: body)
    }

    private func unknownToWAHA(_ call: ContractCall) -> ContractReply {
        switch call.operation {
        case .delete: ContractReply(status: 200)
        // 2024.10.8 stops whatever it is told to.
        case .stop where behaviour.stopUnknown == .noop: ContractReply(status: 201)
        default: ContractError.unknownSession.reply(behaviour.errorFormat, to: call.line)
        }
    }

    /// A session has one lock: a start during a stop waits until that is over.
    private mutating func startWhenFree(_ index: Int, delay: inout Duration, now: Timestamp) -> CommandResult {
        guard sessions[index].status == .stopped, let free = sessions[index].stoppedAt, now < free else {
            return start(index, .waha, now: now)
        }
        schedule(index, .starting, at: free)
        delay = delay + (free - now)
        return .done(.started, claims: .starting)
    }

    /// Takes the pairing away; what runs begins again and will ask for a scan.
    private mutating func logOutAndStart(_ index: Int, now: Timestamp) -> CommandResult {
        edit(index) { $0.isPaired = false }
        guard sessions[index].isRunning else { return .done(.loggedOut, claims: sessions[index].status) }
        beginBoot(index, at: now)
        return .done(.loggedOut, claims: .starting)
    }

    private mutating func createNamed(_ call: ContractCall, number: Int, now: Timestamp) -> ContractReply {
        let name = call.parameter("name") ?? nextIdentity().sessionName
        if behaviour.coreSingleSession, name != "default" {
            let message = "WAHA Core support only 'default' session."
            return ContractError.wrongState(message).reply(behaviour.errorFormat, to: call.line)
        }
        guard find(name, now: now, mayCreate: false) == nil else {
            let message = "Session '\(name)' already exists. Use PUT to update it."
            return ContractError.wrongState(message).reply(behaviour.errorFormat, to: call.line)
        }
        let seed = SimulatorConfiguration.Seed(instanceID: name, sessionName: name, isPaired: false)
        let index = put(SimulatedSession(seed: seed, now: now))
        log.update(number) { $0.effect = .created }
        adopt(index, by: .waha, now: now)
        takeConfig(call, index)
        if call.json?["start"].map({ $0 == .bool(true) }) ?? behaviour.createStarts { beginBoot(index, at: now) }
        return wahaReply(index, says: sessions[index].status, httpStatus: 201)
    }

    /// Replaces the configuration; what is not stopped is stopped and started.
    private mutating func update(_ call: ContractCall, _ index: Int, number: Int, now: Timestamp) -> ContractReply {
        takeConfig(call, index)
        if sessions[index].status != .stopped {
            _ = restart(index, .waha, now: now)
            log.update(number) { $0.effect = .restarted }
        }
        let status: SessionStatus = sessions[index].status == .stopped ? .stopped : .starting
        return wahaReply(index, says: status, httpStatus: 200)
    }

    private mutating func takeConfig(_ call: ContractCall, _ index: Int) {
        guard let list = call.json?["config"]?["webhooks"]?.elements else { return }
        edit(index) { session in
            session.webhooks = list
            session.webhookContract = .waha
        }
        hasOwnWebhooks = true
        setAlarms()
    }

    private func wahaPairing(_ call: ContractCall, _ session: SimulatedSession, now: Timestamp) -> ContractReply {
        if call.operation == .requestCode { return .json(201, "{\"code\":\"ABCD-ABCD\"}") }
        if call.parameter("format") == "raw" { return .json(200, "{\"value\":\"2@abc\"}") }
        let picture = picture(of: session, now: now)
        if call.acceptsJSON { return .json(200, "{\"mimetype\":\"image/png\",\"data\":\"\(picture)\"}") }
        let image = Data(base64Encoded: picture) ?? Data()
        return ContractReply(status: 200, contentType: .png, body: ByteBuffer(bytes: image))
    }

    private func serverRoute(_ operation: Operation) -> ContractReply {
        switch operation {
        case .ping: return .json(200, "{\"message\":\"pong\"}")
        case .serverVersion:
            return .json(200, "{\"version\":\"2026.7.1\",\"engine\":\"NOWEB\",\"tier\":\"CORE\",\"browser\":null}")
        case .health where !behaviour.healthy:
            let down = "{\"mongodb\":{\"status\":\"down\",\"error\":\"Timeout\"}}"
            return .json(503, "{\"status\":\"error\",\"info\":{},\"error\":\(down),\"details\":\(down)}")
        default: return .json(200, "{\"status\":\"ok\",\"info\":{},\"error\":{},\"details\":{}}")
        }
    }
}
