import Domain
import HTTPTypes
import Hummingbird
import NIOCore

/// The native clock routes: a clock event in, a receipt out once it is committed.
struct ClockRoutes: Sendable {
    let queue: AppendQueue
    let clock: DatabaseClock
    let waiters: ConvergenceWaiters
    let crashPoints: CrashPoints
    let limits: BodyLimits
    let admission: EventAdmission
    let journal: SourceJournal

    /// Receipts and problems are small; the buffer rarely grows.
    private static let receiptSize = 384

    func add(to group: RouterGroup<AppRequestContext>) {
        group.post("/v1/clock-events") { request, context in try await self.events(request, context) }
        for (path, kind) in [
            ("clock-in", PunchKind.clockIn), ("clock-out", .clockOut), ("break-start", .breakStart),
            ("break-end", .breakEnd),
        ] {
            group.post("/v1/agents/:agent/\(path)") { request, context in
                try await self.event(of: kind, request, context)
            }
        }
    }

    private func event(of kind: PunchKind, _ request: Request, _ context: AppRequestContext) async throws -> Response {
        do {
            let agentID = try context.agentID()
            let bytes = try await body(of: request, context)
            var item = bytes.isEmpty ? ClockEventBody() : try ClockEventBody(bytes)
            item.agentID = agentID
            item.kind = kind.rawValue
            return try await answer(item, request, context)
        } catch let problem as Problem {
            note(problem, request, context)
            throw problem
        }
    }

    private func events(_ request: Request, _ context: AppRequestContext) async throws -> Response {
        do {
            let mediaType = try mediaType(of: request)
            let bytes = try await body(of: request, context)
            switch try ClockEventBodies(bytes, isLines: mediaType == .lines) {
            case .one(let item): return try await answer(item, request, context)
            case .many(let items): return try await answer(items, context)
            }
        } catch let problem as Problem {
            note(problem, request, context)
            throw problem
        }
    }

    /// Counts a request that is refused as a whole, where its key may post events.
    private func note(_ problem: Problem, _ request: Request, _ context: AppRequestContext) {
        guard let caller = context.caller, caller.role.includes(.clock) else { return }
        journal.refuse(problem, of: caller.sourceID, request, at: clock.now())
    }

    /// One event, one receipt.
    private func answer(
        _ item: ClockEventBody,
        _ request: Request,
        _ context: AppRequestContext
    ) async throws -> Response {
        let caller = try context.require(.clock)
        let headerID = EventAdmission.headerID(request.headers[.idempotencyKey])
        var event = try admission.admit(item, headerID: headerID, sourceID: caller.sourceID, now: clock.now())
        event.teams = caller.teamList
        let outcomes = try await append([event])
        if case .receipt = outcomes.first { journal.count(outcomes, of: caller.sourceID, at: event.receivedAt) }
        guard let outcome = outcomes.first else { throw Problem(.databaseUnavailable, retryAfter: 1) }
        let receipt = try outcome.receipt.get()
        var isDone = receipt.isReplay
        if let seconds = PreferWait.seconds(request.headers[.prefer]) {
            isDone = await waiters.wait(for: receipt, atMost: .seconds(seconds))
        }
        var buffer = ByteBuffer()
        buffer.reserveCapacity(Self.receiptSize)
        receipt.write(to: &buffer)
        return Response(
            status: isDone ? .ok : .accepted,
            headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: buffer)
        )
    }

    /// Many events; each has a receipt or a problem of its own, and one bad item spoils no other.
    private func answer(
        _ items: [Result<ClockEventBody, Problem>],
        _ context: AppRequestContext
    ) async throws -> Response {
        let caller = try context.require(.clock)
        let now = clock.now()
        let teams = caller.teamList
        let admitted = items.map { item in
            item.flatMap { body in
                Result { () throws(Problem) in
                    var event = try admission.admit(body, sourceID: caller.sourceID, now: now)
                    event.teams = teams
                    return event
                }
            }
        }
        let events = admitted.compactMap { try? $0.get() }  // What was refused has its answer already.
        let settled = events.isEmpty ? [] : try await append(events)
        journal.count(settled, of: caller.sourceID, at: now)
        journal.count(.malformed, of: caller.sourceID, at: now, times: Int64(admitted.count - events.count))
        var outcomes = settled[...]
        var buffer = ByteBuffer()
        buffer.reserveCapacity(items.count * Self.receiptSize)
        var hasProblem = false
        buffer.writeStaticString("{\"results\":")
        buffer.writeJSONArray(admitted) { item, buffer in
            switch item {
            case .failure(let problem):
                hasProblem = true
                problem.write(to: &buffer)
            case .success:
                switch outcomes.popFirst()?.receipt {
                case .success(let receipt)?: receipt.write(to: &buffer)
                case .failure(let problem)?:
                    hasProblem = true
                    problem.write(to: &buffer)
                case nil: preconditionFailure("fewer outcomes than events")
                }
            }
        }
        buffer.writeStaticString("}")
        return Response(
            status: hasProblem ? .init(code: 207, reasonPhrase: "Multi-Status") : .accepted,
            headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: buffer)
        )
    }

    private func append(_ events: [IncomingEvent]) async throws(Problem) -> [AppendOutcome] {
        do {
            let outcomes = try await queue.append(events)
            crashPoints.reach(.beforeReceipt)
            return outcomes
        } catch {
            switch error {
            case .overloaded, .closing: throw Problem(.overloaded, retryAfter: 1)
            case .databaseUnavailable: throw Problem(.databaseUnavailable, retryAfter: 1)
            }
        }
    }

    private func body(of request: Request, _ context: AppRequestContext) async throws(Problem) -> [UInt8] {
        let buffer = try await collectBody(request, context: context, limits: limits)
        return Array(buffer.readableBytesView)
    }

    private enum MediaType {
        case json
        case lines
    }

    private func mediaType(of request: Request) throws(Problem) -> MediaType {
        guard let type = request.headers[.contentType]?.prefix(while: { $0 != ";" }) else { return .json }
        switch type.trimmingSpaces().lowercased() {
        case "application/json": return .json
        case "application/x-ndjson": return .lines
        default: throw Problem(.unsupportedMediaType)
        }
    }
}

extension AppendOutcome {
    /// The receipt, or what the sender is told instead.
    var receipt: Result<Receipt, Problem> {
        switch self {
        case .receipt(let receipt): .success(receipt)
        case .conflict: .failure(Problem(.idempotencyConflict))
        case .outsideTeam: .failure(Problem(.outsideTeam))
        case .refused: .failure(Problem(.databaseUnavailable, "The database refuses this event.", retryAfter: 60))
        }
    }
}

extension HTTPField.Name {
    static var idempotencyKey: HTTPField.Name { known("Idempotency-Key") }
    static var prefer: HTTPField.Name { known("Prefer") }

    private static func known(_ name: String) -> HTTPField.Name {
        guard let field = HTTPField.Name(name) else { preconditionFailure("not a field name: \(name)") }
        return field
    }
}

extension Substring {
    /// Without spaces and tabs at its ends.
    func trimmingSpaces() -> Substring {
        var text = self
        while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text
    }
}

/// `Prefer: wait=N` (RFC 7240).
enum PreferWait {
    /// Seconds; more counts as this.
    static let longest: Int64 = 60

    /// How long the client is ready to wait; `nil` for no wish, or one that makes no sense.
    static func seconds(_ value: String?) -> Int64? {
        guard let value else { return nil }
        for part in value.split(whereSeparator: { $0 == "," || $0 == ";" }) {
            let pair = part.split(separator: "=", maxSplits: 1).map { $0.trimmingSpaces() }
            guard pair.count == 2, pair[0].lowercased() == "wait", !pair[1].isEmpty,
                pair[1].utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
            else { continue }
            // Too long for a number is longer than the longest.
            return min(Int64(pair[1]) ?? longest, longest)
        }
        return nil
    }
}
