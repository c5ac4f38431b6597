import Dispatch
import LibPQ
import Logging
import TestSupport

/// Tells nobody.
let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// Runs a test with a pool on an empty database of the shared cluster, and shuts the pool down.
@discardableResult
func withPool<Value>(
    connections: Int = 4,
    _ change: (inout PQConfiguration) -> Void = { _ in },
    _ body: (PQPool) async throws -> Value
) async throws -> Value {
    let database = try await ThrowawayCluster.shared().makeDatabase()
    var configuration = PQConfiguration(connectionString: database, maxConnections: connections)
    change(&configuration)
    return try await withPool(configuration: configuration, body)
}

/// Runs a test with a pool and shuts it down.
@discardableResult
func withPool<Value>(configuration: PQConfiguration, _ body: (PQPool) async throws -> Value) async throws -> Value {
    let pool = PQPool(configuration, logger: silent)
    do {
        let value = try await body(pool)
        await pool.shutdown()
        return value
    } catch {
        await pool.shutdown()
        throw error
    }
}

extension PQPool {
    /// The one value of the one row of a statement with a column named `value`.
    func value<Value: PQDecodable>(_ statement: PQStatement, as type: Value.Type) async throws -> Value {
        try await query(statement)[0].column("value", as: type)
    }

    /// Asks again until the answer is yes; the test's time limit ends a wait for what never comes.
    func waitUntil(_ statement: PQStatement) async throws {
        while try await !value(statement, as: Bool.self) {
            try await query("SELECT pg_sleep(0.002)")
        }
    }
}

/// Looks once a millisecond until a condition holds; the test's time limit ends a wait for what never comes.
///
/// Not a pause of a guessed length: however fast or slow the machine is, the test goes on when the state is reached. It
/// leaves the cooperative threads alone, which a loop of `Task.yield()` would keep busy.
func until(_ condition: () -> Bool) async {
    while !condition() {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(1)) { continuation.resume() }
        }
    }
}
