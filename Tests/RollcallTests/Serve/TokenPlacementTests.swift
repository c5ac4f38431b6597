import Testing

/// Where an account's token travels, by the real binary and an engine that looks for it in one place only.
@Suite("Token placement", .timeLimit(.minutes(3)))
struct TokenPlacementTests {
    @Test(arguments: ["query", "bearer", "header"])
    func `an engine that takes its token in one place finds it there once _TOKEN_PLACEMENT says so`(
        placement: String
    ) async throws {
        try await withInstallation { installation in
            try await installation.engine.admin("PUT", "behaviour", #"{"token_placements":["\#(placement)"]}"#)
            let service = try await installation.serve(["ROLLCALL_ENGINE_MAIN_TOKEN_PLACEMENT": placement])
            try await service.engine.put("i-ana", "STOPPED")
            try await service.put("ana")
            #expect(try await service.clock("clock-in", "ana", wait: 30).status == 200)
            #expect(try await service.engine.status(of: "i-ana") == "WORKING")
            let calls = try await service.engine.calls()
            #expect(Set(calls.map(\.operation)).isSuperset(of: ["info", "start"]))
            #expect(!calls.contains { [400, 401].contains($0.httpStatus) }, "some found no token")
        }
    }
}
