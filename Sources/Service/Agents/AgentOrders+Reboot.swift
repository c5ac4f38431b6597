import Domain
import LibPQ

/// How it stands with the pairing of a session that asks for no scan.
enum PairingStanding: Sendable {
    /// It waits for nobody's telephone.
    case notNeeded
    /// Nobody scanned while its codes lasted, and only a person has it start anew.
    case ranOut
    /// It is about to start, or starting.
    case begins
}

extension AgentOrders {
    /// Asks for a clean reboot: stop, gap, start.
    ///
    /// - Throws: ``Problem`` `not_found`, `no_instance`, `held`, `not_on_shift`, and where it would be of no use
    ///   `pairing_required`, `session_missing`, `unknown_word`; ``PQError``.
    func reboot(_ agentID: String, by caller: Caller) async throws {
        try await change(agentID, by: caller) { subject, transaction, now in
            guard let instance = subject.subject else { throw Problem(.noInstance) }
            guard !subject.isHeld(at: now) else { throw Problem(.held) }
            guard subject.facts.derived(policy: policy, now: now).run == .running else { throw Problem(.notOnShift) }
            if let useless = instance.evidence.reading?.refusalOfReboot { throw Problem(useless) }
            return [try await askReboot(agentID, instance, by: caller, in: transaction, now: now)]
        }
    }

    /// Notes that somebody asks for a reboot.
    ///
    /// Index: `observed_states_pkey`.
    private func askReboot(
        _ agentID: String,
        _ instance: Subject,
        by caller: Caller,
        in transaction: PQTransaction,
        now: Timestamp
    ) async throws -> Wake {
        let wake = Wake(instance: instance.instance, account: instance.account)
        try await transaction.run([
            AgentStates.enqueue([wake], at: now),
            """
            UPDATE observed_states
            SET reboot_asked_at = \(now)
            WHERE instance = \(instance.instance)
            """,
            Self.audit(caller, "agent.reboot", agentID),
        ])
        return wake
    }

    /// Takes in that a session that asks for no scan is to be paired: one whose codes ran out is rebooted for new ones.
    ///
    /// `isPersons`: whether a person asks; what a script repeats reboots nothing.
    /// Throws ``Problem`` `not_found`, `no_instance`; ``PQError``.
    func wantPairing(_ agentID: String, isPersons: Bool, by caller: Caller) async throws -> PairingStanding {
        try await change(agentID, by: caller) { subject, transaction, now in
            guard let instance = subject.subject else { throw Problem(.noInstance) }
            guard subject.facts.derived(policy: policy, now: now).run == .running else { return (.notNeeded, []) }
            let evidence = instance.evidence
            guard evidence.reading == .status(.failed), evidence.waitsForPairing else {
                let isComing = [.starting, .stopping].contains(instance.condition)
                return (isComing || evidence.reading == .status(.scanQRCode) ? .begins : .notNeeded, [])
            }
            if evidence.rebootAskedAt != nil { return (.begins, []) }
            guard isPersons else { return (.ranOut, []) }
            return (.begins, [try await askReboot(agentID, instance, by: caller, in: transaction, now: now)])
        }
    }
}

extension SessionReading {
    /// Why a reboot is refused to a session that was read so last (``allowsReboot``); `nil` where it is not.
    fileprivate var refusalOfReboot: ProblemCode? {
        switch self {
        case .missing: .sessionMissing
        case .status(.scanQRCode): .pairingRequired
        case .status(.unknown): .unknownWord
        case .status(.stopped), .status(.starting), .status(.working), .status(.suspect), .status(.failed): nil
        }
    }
}
