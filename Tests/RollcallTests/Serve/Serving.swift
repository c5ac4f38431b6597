import Testing

/// One running service for all tests of a suite, which keep out of each other's way by using agents of their own.
struct Serving: SuiteTrait, TestScoping {
    var settings: [String: String] = [:]

    func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        try await withInstallation { installation in
            let served = try await installation.serve(settings)
            try await Served.$current.withValue(served) { try await function() }
        }
    }
}

extension Trait where Self == Serving {
    static var serving: Serving { Serving() }

    /// With settings besides the usual ones.
    static func serving(settings: [String: String]) -> Serving { Serving(settings: settings) }
}

extension Served {
    /// The service of the suite that the running test belongs to.
    @TaskLocal static var current: Served?

    static func shared() throws -> Served {
        try #require(current, "the suite lacks the trait .serving")
    }
}
