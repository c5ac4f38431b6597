import ClockSources
import Domain
import Foundation
import Testing

@testable import Service

/// What the simulation's judge finds, and what it lets pass.
@Suite("Witness")
struct WitnessTests {
    private static let now = Timestamp(seconds: 1_800_000_000)
    private static let replica = UUID()

    private static func witness() -> Witness.State {
        Witness.State(
            rules: .init(
                policy: ReconcilePolicy(),
                sweep: SweepPolicy(onShift: .seconds(10), offShift: .seconds(20)),
                callsPerSecond: 20,
                width: 8
            ),
            keepsHistory: false
        )
    }

    private static func found(_ witness: Witness.State) -> [Invariant] { witness.violations.map(\.invariant) }

    // MARK: What senders said

    /// An event as it is admitted, and what its sender said.
    private static func event(
        _ id: String,
        _ kind: PunchKind = .clockIn,
        at instant: Timestamp
    ) throws -> (SentReport, IncomingEvent) {
        let sent = SentEvent(id: id, agent: "a1", kind: kind, at: instant)
        let admitted = try EventAdmission(skew: Scenario.skew).admit(
            ClockEventBody(sent.body),
            sourceID: SentReport.eventSource,
            now: now
        )
        return (.event(sent), admitted)
    }

    @Test(arguments: [-60_000, -1, 0, 1, 2000, 2001, 60_000])
    func `a row that says what was sent is right, whenever it happened`(milliseconds: Int) throws {
        let (report, row) = try Self.event("e1", at: Self.now + .milliseconds(milliseconds))
        var witness = Self.witness()
        witness.wrote(report)
        witness.takeRow(row)
        #expect(Self.found(witness).isEmpty)
    }

    @Test
    func `a row that says anything else than was sent is found`() throws {
        let (report, row) = try Self.event("e1", at: Self.now - .seconds(60))
        let changes: [(inout IncomingEvent) -> Void] = [
            { $0.effectiveAt = $0.receivedAt },
            { $0.occurredAt = $0.receivedAt },
            { $0.externalID = "a2" },
            { $0.kind = .clockOut },
            { $0.eventID = "e2" },
            { $0.sourceID = 7 },
        ]
        for change in changes {
            var witness = Self.witness()
            witness.wrote(report)
            var wrong = row
            change(&wrong)
            witness.takeRow(wrong)
            #expect(Self.found(witness) == [.ledgerSaysWhatWasSent])
        }
    }

    @Test
    func `an event with two identities is in the ledger twice`() throws {
        let (report, row) = try Self.event("e1", at: Self.now)
        var witness = Self.witness()
        witness.wrote(report)
        witness.takeRow(row)
        var again = row
        again.dedupe = UUID()
        witness.takeRow(again)
        #expect(Self.found(witness) == [.eventOnce])
    }

    @Test
    func `what a failover took away may come again, unless it was answered`() throws {
        let (report, row) = try Self.event("e1", at: Self.now)
        var witness = Self.witness()
        witness.wrote(report)
        witness.takeRow(row)
        witness.loseRow(row)
        witness.takeRow(row)
        witness.acknowledged([report])
        #expect(Self.found(witness).isEmpty)
        witness.loseRow(row)
        #expect(Self.found(witness) == [.acknowledgedIsInLedger])
    }

    @Test
    func `a record's report that was answered is in the ledger with all its punches`() {
        let kinds: [PunchKind] = [.clockIn, .clockOut]
        let punches = kinds.enumerated().map { place, kind in
            SourcePunch(
                externalAgent: "a1",
                kind: kind,
                occurredAt: Self.now - .seconds(60 - Int64(place)),
                record: "r1",
                version: 1,
                ordinal: Int16(place)
            )
        }
        let report = SentReport.record(DeliveryReading(deliveryID: "r1v1", punches: punches))
        let admission = DeliveryAdmission(
            sourceID: SentReport.recordSource,
            matchesAgentID: true,
            skew: Scenario.skew
        )
        let rows = admission.admit(DeliveryReading(punches: punches), receivedAt: Self.now)
        for count in 0...rows.count {
            var witness = Self.witness()
            witness.wrote(report)
            for row in rows.prefix(count) { witness.takeRow(row) }
            witness.acknowledged([report])
            #expect(Self.found(witness) == (count == rows.count ? [] : [.acknowledgedIsInLedger]))
        }
    }

    // MARK: What the ledger says

    @Test
    func `a row that changes is found, however often it was compared before`() throws {
        let (first, row) = try Self.event("e1", at: Self.now)
        let (second, later) = try Self.event("e2", at: Self.now)
        var tables = MemoryTables()
        tables.events = [MemoryTables.Event(event: row)]
        var witness = Self.witness()
        witness.wrote(first)
        witness.wrote(second)
        witness.checkLedger(tables)
        tables.events.append(MemoryTables.Event(event: later))
        for _ in 0..<2 { witness.checkLedger(tables) }
        #expect(Self.found(witness).isEmpty)
        tables.events[0].event.kind = .clockOut
        witness.checkLedger(tables)
        #expect(Self.found(witness) == [.ledgerOnlyGrows])
    }

    @Test
    func `every second the ledger's rows are compared with what they were`() throws {
        let world = SimulatedWorld(Scenario(seed: 1), planted: nil, keepsHistory: false)
        let (report, row) = try Self.event("e1", at: Self.now)
        world.witness.see { $0.wrote(report) }
        world.database.withTables { tables, _ in tables.events = [MemoryTables.Event(event: row)] }
        world.tick()
        #expect(world.witness.violations.isEmpty)
        world.database.withTables { tables, _ in tables.events[0].event.kind = .clockOut }
        world.tick()
        #expect(world.witness.violations.map(\.invariant) == [.ledgerOnlyGrows])
        #expect(world.clearUp())
    }

    // MARK: What is desired

    @Test
    func `an event of the future leaves open what is desired only until it is taken in`() throws {
        var tables = MemoryTables()
        let agent = tables.addAgent("a1", now: Self.now)
        let (_, start) = try Self.event("e1", at: Self.now - .seconds(60))
        let (_, end) = try Self.event("e2", .clockOut, at: Self.now + .seconds(10))
        let policy = ReconcilePolicy()
        _ = tables.append([start, end], leases: LeaseBook(), policy: policy, now: Self.now)
        var witness = Self.witness()
        witness.takeEvents(tables)
        #expect(witness.desired(agent, tables, now: Self.now) == [.running])
        let due = Self.now + .seconds(10)
        // By a clock that is ahead it may be in already.
        #expect(witness.desired(agent, tables, now: due - .milliseconds(200)) == [.running, .stopped])
        #expect(witness.desired(agent, tables, now: due + .seconds(60)) == [.running, .stopped])
        _ = tables.refold([agent], policy: policy, now: due)
        #expect(witness.desired(agent, tables, now: due) == [.stopped])
    }

    // MARK: What became of commands

    private static let command = PlannedCommand(
        id: 7,
        instance: 1,
        address: SessionAddress(instanceID: "i-1"),
        action: .stop,
        reason: .shouldStop,
        agent: nil,
        generation: nil,
        priority: .people
    )

    /// A stop is intended, and its call begins; returns the call's number.
    private static func began(_ witness: inout Witness.State) -> Int {
        witness.tracks[1, default: .init()].intents = [.init(id: command.id, action: .stop, at: now)]
        witness.terms[1] = MemoryTables.Lease(holder: replica, term: 1)
        witness.expiry[replica] = now + .seconds(10)
        let call = Witness.Call(
            replica: replica,
            account: 1,
            call: .stop,
            instance: 1,
            enteredAt: 0,
            stamp: now
        )
        return witness.enters(call, name: "i-1", now: now)
    }

    @Test(arguments: [true, false])
    func `a command that is recorded as never sent did not leave`(hasLeft: Bool) {
        var witness = Self.witness()
        let number = Self.began(&witness)
        if hasLeft { witness.departs(number, now: Self.now) } else { witness.takenBack(number) }
        witness.take(
            CommandOutcome(
                command: Self.command,
                answer: EngineAnswer(verdict: .notSent),
                sentAt: nil,
                endedAt: Self.now
            )
        )
        #expect(Self.found(witness) == (hasLeft ? [.outcomeIsTrue] : []))
    }

    @Test(arguments: [-1, 0])
    func `a command without an outcome is proved by a read once its time is over`(secondsAfter: Int) {
        var witness = Self.witness()
        witness.tracks[1, default: .init()].intents = [
            .init(id: 6, action: .start, at: Self.now - .seconds(600), verdict: .ok),
            .init(id: Self.command.id, action: .stop, at: Self.now),
        ]
        witness.tracks[1]?.outcomeAt = Self.now - .seconds(599)
        let readAt = Self.now + ReconcilePolicy().callTimeout + .seconds(secondsAfter)
        let subject = Subject(
            instance: 1,
            account: 1,
            address: SessionAddress(instanceID: "i-1"),
            evidence: Evidence(reading: .status(.stopped), readAt: readAt),
            condition: .unknown,
            reason: .neverRead
        )
        let context = PlanningContext(
            policy: ReconcilePolicy(),
            now: readAt + .seconds(1),
            mayAct: true,
            isAccountRefused: false,
            decider: { _, _, _, _, _ in Decision(nil, .stopped, .converged) }
        )
        let made = plan(subject, agent: nil, priority: .repair, context: context)
        witness.checkConverged(made, MemoryTables())
        #expect(Self.found(witness) == (secondsAfter < 0 ? [.convergedByRead] : []))
    }
}
