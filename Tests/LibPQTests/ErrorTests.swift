import Testing

@testable import LibPQ

@Suite("PQError")
struct ErrorTests {
    @Test(arguments: PQError.Kind.allCases)
    func `what a caller may safely do again is told by the kind`(kind: PQError.Kind) {
        let isTransient: [PQError.Kind] = [
            .connectionFailed, .connectionLost, .poolTimeout, .poolOverloaded, .timedOut,
        ]
        #expect(PQError(kind, "x").isTransient == isTransient.contains(kind))
    }

    @Test(arguments: [
        ("40001", true), ("40P01", true), ("55P03", true), ("57014", true), ("57P03", true), ("25006", true),
        ("53300", true), ("08006", true), ("23505", false), ("42601", false), ("22P02", false), ("25P02", false),
    ])
    func `the server's codes that pass by themselves are transient`(code: String, isTransient: Bool) {
        #expect(PQError(.server, sqlState: code, "x").isTransient == isTransient)
    }

    @Test
    func `the description shows kind and code and nothing else`() {
        var error = PQError(.server, sqlState: "23505", "Key (phone)=(+49151000000) already exists on db.internal")
        error.constraintName = "agents_phone_key"
        error.statementIndex = 2
        #expect(error.description == "database server (SQLSTATE 23505)")
        #expect("\(error as any Error)" == error.description)
        #expect(error.debugDescription.contains("agents_phone_key"))
    }
}
