import Testing

@testable import Domain
@testable import Service

@Suite("Why")
struct WhyTests {
    private static let now = Timestamp(seconds: 1_800_000_000)
    private let languages = PageLanguages()

    /// Every way in which an agent can stand, also some that decisions never lead to.
    private static let standings: [AgentStanding] = Condition.allCases.flatMap { condition in
        Reason.allCases.flatMap { reason in
            Rule.allCases.flatMap { rule in
                RunState.allCases.map { run in
                    AgentStanding(
                        desired: DesiredState(
                            run: run,
                            rule: rule,
                            losing: Rule.allCases.filter { $0 != rule }.map { RuleVerdict(rule: $0, run: run) }
                        ),
                        condition: condition,
                        reason: reason,
                        since: now - .seconds(90),
                        hold: rule == .hold
                            ? Hold(state: run, until: now + .seconds(4000), reason: "moving", author: "Mia") : nil
                    )
                }
            }
        }
    }

    private func explanation(
        _ standing: AgentStanding,
        shift: Shift = .in,
        reading: String? = "WORKING",
        commands: [CommandEntry] = [],
        event: LedgerEntry? = nil,
        hasInstance: Bool = true
    ) -> Explanation {
        var state = ShiftState(shift: shift, since: Self.now - .seconds(3600))
        state.nextPunchAt = Self.now + .seconds(50)
        return Explanation(
            details: AgentDetails(
                agent: 1,
                agentID: "ada",
                name: "Ada",
                team: "desk",
                timeZone: "UTC",
                createdAt: Self.now - .seconds(9000),
                removalAskedAt: nil,
                generation: 1,
                state: state,
                storedDesired: standing.desired.run,
                hold: standing.hold,
                instance: hasInstance ? 1 : nil,
                account: 1,
                instanceSpec: hasInstance ? InstanceSpec(engine: "main", instanceID: "I-1") : nil,
                reading: reading,
                readAt: reading == nil ? nil : Self.now - .seconds(3),
                readingSince: reading == nil ? nil : Self.now - .seconds(80),
                condition: standing.condition,
                reason: standing.reason,
                since: standing.since
            ),
            standing: standing,
            event: event,
            commands: commands,
            dueAt: Self.now + .seconds(7),
            lookLifetime: .seconds(60),
            asOf: Self.now
        )
    }

    private func text(_ explanation: Explanation, _ language: Language) -> [String: [String]] {
        let steps = WhyModel(explanation: explanation, words: languages[language], now: Self.now).values
        var text: [String: [String]] = [:]
        for step in steps {
            let sentences = step["sentences"] as? [[String: Any]] ?? []
            text[step["kind"] as? String ?? ""] = sentences.map { sentence in
                (sentence["pieces"] as? [[String: Any]] ?? []).map { piece in
                    for key in ["say_text", "say_name", "say_strong"] {
                        if let text = piece[key] as? String { return text }
                    }
                    for (key, form) in [("age_of", "age"), ("clock_of", "clock"), ("ahead_of", "ahead")] {
                        if let time = piece[key] as? [String: Any] { return time[form] as? String ?? "" }
                    }
                    return ""
                }.joined()
            }
        }
        return text
    }

    @Test(arguments: Language.allCases)
    func `no state that can be reached lacks a sentence`(language: Language) {
        let steps = ["desired", "losing", "event", "did", "said", "waits", "change"]
        for standing in Self.standings {
            for shift in Shift.allCases {
                let said = text(explanation(standing, shift: shift), language)
                for step in steps {
                    let sentences = said[step] ?? []
                    #expect(!sentences.isEmpty && sentences.allSatisfy { !$0.isEmpty && !$0.contains("⟦") }, "\(step)")
                }
                let row = RowModel(
                    details: explanation(standing, shift: shift).details,
                    standing: standing,
                    words: languages[language],
                    now: Self.now
                ).values
                for key in ["reason_text", "agreement_label", "turn_text", "shift_label", "because", "observed"] {
                    let text = row[key] as? String ?? ""
                    #expect(!text.isEmpty && !text.contains("⟦"), "\(key)")
                }
            }
        }
    }

    @Test(arguments: Language.allCases)
    func `who is being removed, has no session, was never seen or is held lacks no sentence either`(language: Language)
    {
        for standing in Self.standings {
            let isLeaving = standing.desired.run == .stopped && standing.desired.rule == .default
            for (hasInstance, reading) in [(true, "WORKING"), (true, nil), (false, nil)] as [(Bool, String?)] {
                var explanation = explanation(standing, reading: reading, hasInstance: hasInstance)
                if isLeaving { explanation.details.removalAskedAt = Self.now - .seconds(5) }
                let said = text(explanation, language).values.flatMap { $0 }
                #expect(said.allSatisfy { !$0.isEmpty && !$0.contains("⟦") }, "\(standing)")
                let row = RowModel(
                    details: explanation.details,
                    standing: standing,
                    words: languages[language],
                    now: Self.now
                ).values
                #expect((row["wanted"] as? String)?.isEmpty == (standing.desired.rule != .onBreak))
                #expect((row["hold"] as? [String: Any] != nil) == (standing.hold != nil))
                #expect(!String(describing: row).contains("⟦"), "\(standing)")
            }
        }
    }

    @Test(arguments: Language.allCases)
    func `every outcome of a command, every reading and every event has a sentence`(language: Language) {
        let standing = Self.standings[0]
        for action in Action.allCases {
            for verdict in [nil, "accepted long ago"] + EngineVerdict.allCases.map(\.rawValue) {
                let command = CommandEntry(
                    id: 1,
                    action: action.rawValue,
                    reason: Reason.shouldRun.rawValue,
                    intendedAt: Self.now - .seconds(9),
                    sentAt: Self.now - .seconds(8),
                    endedAt: verdict == nil ? nil : Self.now - .seconds(7),
                    verdict: verdict,
                    claim: "STARTING",
                    httpStatus: 200
                )
                let said = text(explanation(standing, commands: [command]), language)
                #expect((said["did"]! + said["said"]!).allSatisfy { !$0.contains("⟦") })
            }
        }
        for reading in [nil, "STOPPED", "MAINTENANCE", "MISSING"] {
            let said = text(explanation(standing, reading: reading), language)["said"] ?? []
            #expect(!said.isEmpty && said.allSatisfy { !$0.contains("⟦") })
        }
        for kind in PunchKind.allCases {
            let punch = LedgerPunch(sequence: 1, kind: kind, effectiveAt: Self.now - .seconds(60))
            let event = LedgerEntry(
                punch: punch,
                source: "hr",
                occurredAt: Self.now - .seconds(60),
                receivedAt: Self.now - .seconds(57)
            )
            let said = text(explanation(standing, event: event), language)["event"] ?? []
            #expect(said.count == 1 && !said[0].contains("⟦") && said[0].contains("hr"))
        }
    }

    /// A command that was never sent, as far as is known; `verdict`: of one that was held back.
    private func unsent(_ action: Action, verdict: EngineVerdict? = nil) -> CommandEntry {
        CommandEntry(
            id: 1,
            action: action.rawValue,
            reason: Reason.shouldRun.rawValue,
            intendedAt: Self.now - .seconds(9),
            sentAt: nil,
            endedAt: verdict == nil ? nil : Self.now - .seconds(7),
            verdict: verdict?.rawValue,
            claim: nil,
            httpStatus: nil
        )
    }

    @Test
    func `the engine was told nothing where a command waits, and hears nothing of one that was held back`() {
        let standing = Self.standings[0]
        let waiting = text(explanation(standing, commands: [unsent(.start)]), .english)
        #expect(explanation(standing, commands: [unsent(.start)]).lines.contains { $0.hasSuffix(": no outcome yet") })
        #expect(waiting["did"] == ["It decided 9 s ago to start the session. The session had to run."])
        #expect(waiting["said"]?.first == "What came of the command is not known yet; it may still wait in line.")
        let withdrawn = text(explanation(standing, commands: [unsent(.start, verdict: .notSent)]), .english)
        #expect(
            withdrawn["did"] == [
                "It decided 9 s ago to start the session, then held the command back. The session had to run."
            ]
        )
        #expect(withdrawn["said"]?.first == "The command never left, so the engine did not hear of it.")
    }

    @Test(arguments: Language.allCases)
    func `a command that waits, one that was held back and one that was given are told apart`(language: Language) {
        let standing = Self.standings[0]
        for action in Action.allCases {
            var sent = unsent(action, verdict: .ok)
            sent.sentAt = Self.now - .seconds(8)
            let commands = [unsent(action), unsent(action, verdict: .notSent), sent]
            let told = commands.map { text(explanation(standing, commands: [$0]), language) }
            for step in ["did", "said"] {
                let sentences = told.compactMap { $0[step]?.first }
                #expect(Set(sentences).count == 3 && sentences.allSatisfy { !$0.contains("⟦") }, "\(sentences)")
            }
        }
    }

    private func standing(_ reason: Reason) -> AgentStanding {
        AgentStanding(
            desired: DesiredState(run: .running, rule: .shift),
            condition: .needsAttention,
            reason: reason,
            since: Self.now - .seconds(90)
        )
    }

    @Test
    func `a look now that gave its restarts already is not said to do so at once`() {
        var story = explanation(standing(.restartBudgetUsed))
        let free = "For a person. The budget of restarts is free again in 7 s (2027-01-15 08:00:07 UTC)"
        #expect(text(story, .english)["waits"] == [free + "; “Check now” frees it at once."])
        story.grant = BudgetGrant(givenAt: Self.now - .seconds(300), againFrom: Self.now + .seconds(1500))
        let given = " “Check now” freed it 5 min ago, and can do so again from 2027-01-15 08:25:00 UTC on."
        #expect(text(story, .english)["waits"] == [free + "." + given])
        for language in Language.allCases {
            let waits = text(story, language)["waits"] ?? []
            #expect(waits.count == 1 && waits.allSatisfy { !$0.contains("⟦") }, "\(waits)")
        }
        story.grant?.againFrom = Self.now
        #expect(text(story, .english)["waits"] == [free + "; “Check now” frees it at once."])
    }

    @Test(arguments: [Reason.startRefused, .stopRefused])
    func `what is refused waits for a person, and is said to be tried again when it is due`(reason: Reason) {
        var story = explanation(standing(reason))
        story.dueAt = Self.now + .seconds(300)
        #expect(
            text(story, .english)["waits"] == [
                "For a person. All the same it is tried again in 5 min 0 s (2027-01-15 08:05:00 UTC)."
            ]
        )
    }

    @Test
    func `it says what decides, what lost, what is behind it, what was done and what it waits for`() throws {
        let standing = AgentStanding(
            desired: DesiredState(
                run: .stopped,
                rule: .hold,
                losing: [RuleVerdict(rule: .shift, run: .running), RuleVerdict(rule: .default, run: .stopped)]
            ),
            condition: .stopping,
            reason: .stopSent,
            since: Self.now - .seconds(2),
            hold: Hold(state: .stopped, until: Self.now + .seconds(4000), reason: "moving", author: "Mia")
        )
        let event = LedgerEntry(
            punch: LedgerPunch(sequence: 1, kind: .clockIn, effectiveAt: Self.now - .seconds(600)),
            source: "hr",
            occurredAt: Self.now - .seconds(600),
            receivedAt: Self.now - .seconds(597)
        )
        let said = text(explanation(standing, event: event), .english)
        #expect(
            said["desired"]
                == [
                    "Somebody holds the session stopped: Mia, until 2027-01-15 09:06:40 UTC (in 1 h 6 min), saying “moving”."
                ]
        )
        #expect(said["losing"] == ["The shift would have it run.", "By default it would be stopped."])
        #expect(
            said["event"] == [
                "A clock-in from hr: it happened 10 min ago (2027-01-15 07:50:00 UTC) and came 3 s later."
            ]
        )
        #expect(said["did"] == ["It has sent no command for this agent in a month."])
        #expect(said["waits"] == ["For a check that proves it, in 7 s (2027-01-15 08:00:07 UTC)."])
        #expect(
            said["change"]?.first
                == "The hold of Mia ends in 1 h 6 min (2027-01-15 09:06:40 UTC), or when somebody ends it."
        )
    }
}
