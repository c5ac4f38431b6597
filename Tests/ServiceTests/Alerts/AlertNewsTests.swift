import Domain
import LibPQ
import Testing

@testable import Service

@Suite("AlertNews")
struct AlertNewsTests {
    /// Of which agents the outside would be told that they cannot work.
    private func told(_ fixture: ManagementFixture) async throws -> [String] {
        try await fixture.pool.rows(AlertStatements.news(after: .seconds(60), page: 0), AlertNews.init)
            .filter { $0.subject == .cannotWork }.compactMap(\.agentID).sorted()
    }

    @Test
    func `an incident about some sessions tells of these alone, one about the whole account of all`() async throws {
        try await withManagement { fixture in
            try await fixture.addOnShift(["qr", "gone", "failed"])
            try await fixture.observe("qr", "SCAN_QR_CODE", .needsPairing, reason: .pairingRequired)
            try await fixture.observe("gone", "MISSING", .needsAttention, reason: .sessionMissing)
            try await fixture.observe("failed", "FAILED", .needsAttention, reason: .restartBudgetUsed)
            _ = try await fixture.pool.pipeline([
                "UPDATE agent_states SET desired_since = now() - interval '1 hour'",
                "UPDATE observed_states SET since = now() - interval '1 hour'",
            ])
            #expect(try await told(fixture) == ["failed", "gone", "qr"])
            for (kind, others) in [
                (IncidentKind.sessionsLoggedOut, ["failed", "gone"]), (.sessionsUnknown, ["failed"]),
                (.engineOutage, []),
            ] {
                _ = try await fixture.pool.query(
                    "INSERT INTO incidents (account, kind) SELECT account, \(kind.rawValue) FROM engine_accounts"
                )
                #expect(try await told(fixture) == others)
            }
        }
    }
}
