import Testing

@testable import Domain

@Suite("Agreement")
struct AgreementTests {
    /// Shift, desired, condition, reason, and what people read for them.
    private static let table: [(Shift, RunState, Condition, Reason, Agreement, Turn)] = [
        (.in, .running, .converged, .working, .fine, .nobody),
        (.onBreak, .running, .converged, .working, .fine, .nobody),
        (.onBreak, .stopped, .converged, .stopped, .offForBreak, .nobody),
        (.out, .stopped, .converged, .stopped, .off, .nobody),
        (.in, .running, .starting, .booting, .comingUp, .rollcall),
        (.out, .stopped, .stopping, .stopSent, .goingDown, .rollcall),
        (.in, .running, .drifted, .confirmingDrift, .mute, .rollcall),
        (.in, .running, .drifted, .failedRestart, .mute, .rollcall),
        (.out, .running, .drifted, .wentDown, .heldMute, .rollcall),
        (.out, .stopped, .drifted, .cameUp, .alone, .rollcall),
        (.in, .stopped, .drifted, .cameUp, .againstOrder, .rollcall),
        (.in, .running, .needsPairing, .pairingRequired, .mustScan, .agent),
        (.in, .running, .needsAttention, .restartBudgetUsed, .stuck, .manager),
        (.in, .running, .needsAttention, .startRefused, .stuck, .manager),
        (.in, .running, .needsAttention, .sessionMissing, .stuck, .mapper),
        (.onBreak, .running, .needsAttention, .restartBudgetUsed, .stuck, .manager),
        (.out, .running, .needsAttention, .restartBudgetUsed, .heldStuck, .manager),
        (.out, .running, .needsAttention, .sessionMissing, .heldStuck, .mapper),
        (.out, .stopped, .needsAttention, .stopRefused, .runaway, .manager),
        (.in, .stopped, .needsAttention, .stopRefused, .runaway, .manager),
        (.out, .stopped, .needsAttention, .listedOnly, .listedOn, .manager),
        (.in, .running, .needsAttention, .accountRefused, .refused, .operator),
        (.out, .stopped, .needsAttention, .accountRefused, .refused, .operator),
        (.in, .running, .unknown, .stale, .hereUnsure, .engine),
        (.in, .running, .unknown, .unknownWord, .hereUnsure, .manager),
        (.in, .running, .unknown, .neverRead, .hereUnsure, .rollcall),
        (.out, .stopped, .unknown, .stale, .unsure, .engine),
        (.in, .running, .unassigned, .noInstance, .hereUnmapped, .mapper),
        (.out, .stopped, .unassigned, .noInstance, .unmapped, .nobody),
        (.in, .stopped, .held, .stopped, .hereHeldOff, .holder),
        (.in, .running, .held, .working, .hereHeldOn, .holder),
        (.out, .running, .held, .working, .heldOn, .holder),
        (.out, .stopped, .held, .stopped, .heldOff, .holder),
    ]

    @Test(arguments: table.indices)
    func `shift and session together have one name, and it is somebody's turn or nobody's`(place: Int) {
        let (shift, desired, condition, reason, expected, turn) = Self.table[place]
        let found = agreement(shift: shift, desired: desired, condition: condition, reason: reason)
        #expect(found == expected)
        #expect(found.turn(reason) == turn)
    }

    @Test(arguments: table.indices)
    func `while nobody acts for the engine it is the operator's turn where it was ours or the engine's`(place: Int) {
        let (shift, desired, condition, reason, _, turn) = Self.table[place]
        let found = agreement(shift: shift, desired: desired, condition: condition, reason: reason)
        let unattended: Turn = turn == .rollcall || turn == .engine ? .operator : turn
        #expect(found.turn(reason, isAttended: false) == unattended)
    }

    @Test
    func `every name is somebody's`() {
        #expect(Set(Self.table.map(\.4)) == Set(Agreement.allCases))
        #expect(Set(Self.table.map(\.5)) == Set(Turn.allCases))
    }

    @Test
    func `who needs somebody can be told from shift, desire and condition alone, so that counts agree with lists`() {
        for shift in Shift.allCases {
            for condition in Condition.allCases {
                for desired in RunState.allCases {
                    for reason in Reason.allCases {
                        let found = agreement(shift: shift, desired: desired, condition: condition, reason: reason)
                        let needs = needsSomebody(shift: shift, desired: desired, condition: condition)
                        #expect(found.needsSomebody == needs)
                    }
                }
            }
        }
    }

    @Test
    func `the terms of an agreement are met by whoever has it, and by nobody else`() {
        for shift in Shift.allCases {
            for condition in Condition.allCases {
                for desired in RunState.allCases {
                    for reason in Reason.allCases {
                        let meeting = Agreement.allCases.filter { each in
                            let terms = each.terms
                            return terms.condition == condition && terms.isHere ?? (shift != .out) == (shift != .out)
                                && terms.desired ?? desired == desired
                                && terms.isRefused ?? (reason == .accountRefused) == (reason == .accountRefused)
                                && terms.isListed ?? (reason == .listedOnly) == (reason == .listedOnly)
                        }
                        let own = agreement(shift: shift, desired: desired, condition: condition, reason: reason)
                        #expect(meeting == [own], "\(shift), \(desired), \(condition), \(reason)")
                    }
                }
            }
        }
    }

    @Test
    func `who needs somebody stands before who does not`() {
        let needing = Agreement.allCases.filter(\.needsSomebody)
        #expect(needing == Array(Agreement.allCases.prefix(needing.count)))
        #expect(Agreement.stuck.rank < Agreement.mustScan.rank && Agreement.mustScan.rank < Agreement.fine.rank)
        #expect(Agreement.mute.rank < Agreement.heldStuck.rank, "nobody waits for it")
        #expect(Agreement.runaway.rank < Agreement.listedOn.rank, "it runs as it was brought")
    }
}
