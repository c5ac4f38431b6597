import Testing

@testable import Service

/// What comes of hints beside others, through the real route.
@Suite("HintDesk", .timeLimit(.minutes(2)))
struct HintDeskTests {
    private static let secret = "hook-secret-0123456789"

    @Test
    func `a name that no session can have is answered as any, and loses no other hint`() async throws {
        let hints = HintCounts()
        try await hints.count {
            try await withRunningService {
                $0.webhookSecret = Self.secret
                $0.sweep = ServiceSetup.noLooks
            } _: { service in
                try await service.add("ana")
                try await service.until("ana") { $0.condition == "converged" }
                for body in [
                    #"{"session":"x\u0000"}"#, #"{"session":"s-i-ana","instance_id":"\u0000"}"#,
                    #"{"session":"s-i-ana"}"#,
                ] {
                    let path = "/v1/engines/main/events?secret=\(Self.secret)"
                    #expect(try await service.send("POST", path, key: nil, json: body).status == 200, "\(body)")
                }
                try await service.until { hints.all == ["no_session": 2, "look": 1] }
            }
        }
    }
}
