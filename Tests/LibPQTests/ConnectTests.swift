import LibPQ
import Testing
import TestSupport

@Suite("Connecting", .timeLimit(.minutes(5)))
struct ConnectTests {
    private func configuration(_ connectionString: String) -> PQConfiguration {
        var configuration = PQConfiguration(connectionString: connectionString, maxConnections: 2)
        configuration.acquireTimeout = .seconds(1)
        configuration.connectTimeout = .milliseconds(150)
        return configuration
    }

    /// What a call on a pool that cannot connect throws.
    private func failure(_ configuration: PQConfiguration) async throws -> PQError {
        let error = await #expect(throws: PQError.self) {
            try await withPool(configuration: configuration) { _ = try await $0.query("SELECT 1") }
        }
        return try #require(error)
    }

    @Test
    func `a refused connection fails with what libpq says, and nothing secret`() async throws {
        let port = try LoopbackPort.free()
        let error = try await failure(configuration("host=127.0.0.1 port=\(port) user=u password=hunter2-secret"))
        #expect(error.kind == .connectionFailed)
        #expect(error.isTransient)
        #expect(error.description == "database connectionFailed")
        #expect(error.debugDescription.contains("refused"))
        #expect(!"\(error) \(error.debugDescription) \(String(reflecting: error))".contains("hunter2"))
    }

    @Test
    func `a wrong password fails and is not shown`() async throws {
        let cluster = try await ThrowawayCluster.shared()
        let wrong = cluster.tcpConnectionString().replacing(cluster.password, with: "hunter2-secret")
        var patient = configuration(wrong)
        patient.connectTimeout = .seconds(5)
        patient.acquireTimeout = .seconds(3)
        let error = try await failure(patient)
        #expect(error.kind == .connectionFailed)
        #expect(error.debugDescription.contains("password authentication failed"))
        #expect(!error.debugDescription.contains("hunter2"))
        #expect(!"\(patient) \(String(reflecting: patient))".contains("hunter2"))
    }

    @Test(arguments: ["host=a password=hunter2 =x", "postgres://u:hunter2@[::1", "bogus=hunter2", "password='hunter2"])
    func `a connection string that makes no sense is refused without quoting it`(text: String) async throws {
        let error = try await failure(configuration(text))
        #expect(error.kind == .invalidInput)
        #expect(!error.debugDescription.contains("hunter2"))
        #expect(throws: PQError.self) { try configuration(text).validate() }
    }

    @Test
    func `a server that accepts and never answers is given up in time`() async throws {
        let listener = try LoopbackPort.listener()
        defer { SocketCloser.close(listener) }
        let error = try await failure(configuration("host=127.0.0.1 port=\(try LoopbackPort.number(of: listener))"))
        #expect(error.kind == .connectionFailed)
        #expect(error.debugDescription.contains("no answer in time"))
    }

    @Test
    func `once nothing has worked for as long as callers may wait, they are refused at once`() async throws {
        let port = try LoopbackPort.free()
        var configuration = configuration("host=127.0.0.1 port=\(port)")
        configuration.acquireTimeout = .milliseconds(100)
        try await withPool(configuration: configuration) { pool in
            await #expect(throws: PQError.self) { try await pool.query("SELECT 1") }
            let start = ContinuousClock.now
            for _ in 0..<20 { await #expect(throws: PQError.self) { try await pool.query("SELECT 1") } }
            #expect(ContinuousClock.now - start < .seconds(2))
        }
    }

    @Test
    func `dead and silent hosts of a list are passed over`() async throws {
        let cluster = try await ThrowawayCluster.shared()
        let silent = try LoopbackPort.listener()
        defer { SocketCloser.close(silent) }
        let ports = "\(try LoopbackPort.free()),\(try LoopbackPort.number(of: silent)),\(cluster.port)"
        var configuration = configuration(
            """
            host=127.0.0.1,127.0.0.1,127.0.0.1 port=\(ports) user=postgres dbname=postgres
            password=\(cluster.password) target_session_attrs=read-write
            """
        )
        configuration.connectTimeout = .seconds(1)
        configuration.acquireTimeout = .seconds(10)
        try await withPool(configuration: configuration) { pool in
            let port = try await pool.value("SELECT inet_server_port() AS value", as: Int.self)
            #expect(port == cluster.port)
        }
    }

    @Test
    func `a URI works, and its options are kept beside our settings`() async throws {
        let cluster = try await ThrowawayCluster.shared()
        let address = "postgresql://postgres:\(cluster.password)@127.0.0.1:\(cluster.port)/postgres"
        var configuration = PQConfiguration(connectionString: "\(address)?options=-c%20work_mem%3D5MB")
        configuration.sessionSettings = ["role": "pg_monitor"]
        try await withPool(configuration: configuration) { pool in
            let memory = try await pool.value("SELECT current_setting('work_mem') AS value", as: String.self)
            let user = try await pool.value("SELECT current_user::text AS value", as: String.self)
            #expect(memory == "5MB")
            #expect(user == "pg_monitor")
        }
    }
}
