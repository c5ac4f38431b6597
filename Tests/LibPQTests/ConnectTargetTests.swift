import Testing

@testable import LibPQ

@Suite("ConnectTarget")
struct ConnectTargetTests {
    private func attempts(
        _ connectionString: String,
        _ change: (inout PQConfiguration) -> Void = { _ in }
    ) throws
        -> [ConnectTarget.Parameters]
    {
        var configuration = PQConfiguration(connectionString: connectionString)
        change(&configuration)
        return try ConnectTarget(configuration).attempts
    }

    @Test
    func `each host of a list is tried by itself, in order`() throws {
        let found = try attempts("host=a,b,/run/x port=1,,3 dbname=d target_session_attrs=read-write")
        #expect(found.map { $0["host"] } == ["a", "b", "/run/x"])
        #expect(found.map { $0["port"] } == ["1", "", "3"])
        #expect(found.allSatisfy { $0["target_session_attrs"] == "read-write" && $0["dbname"] == "d" })
    }

    @Test
    func `one port holds for every host`() throws {
        #expect(try attempts("postgres://a,b/d?port=7").map { $0["port"] } == ["7", "7"])
        #expect(try attempts("host=a,b port=7").map { $0["port"] } == ["7", "7"])
    }

    @Test
    func `with prefer-standby every host is tried as a standby first`() throws {
        let found = try attempts("host=a,b target_session_attrs=prefer-standby")
        #expect(found.map { $0["host"] } == ["a", "b", "a", "b"])
        #expect(found.map { $0["target_session_attrs"] } == ["standby", "standby", "any", "any"])
    }

    @Test
    func `settings are sent as options beside those of the connection string`() throws {
        let found = try attempts("host=a options='-c work_mem=5MB'") {
            $0.sessionSettings = ["role": "x y\\z"]
            $0.statementTimeout = .milliseconds(1500)
            $0.tcpUserTimeout = .seconds(3)
        }
        #expect(found.map { $0["options"] } == ["-c work_mem=5MB -c role=x\\ y\\\\z -c statement_timeout=1500"])
        #expect(found.first?["tcp_user_timeout"] == "3000")
    }

    @Test
    func `every connection is asked whether its server is there, whatever the connection string says`() throws {
        let found = try attempts("host=a,b keepalives=0 keepalives_idle=7200 tcp_user_timeout=0") {
            $0.keepaliveIdle = .milliseconds(6_100)
            $0.keepaliveInterval = .seconds(3)
            $0.keepaliveCount = 4
            $0.tcpUserTimeout = .seconds(9)
        }
        #expect(found.count == 2)
        for one in found {
            #expect(one["keepalives"] == "1" && one["keepalives_count"] == "4")
            #expect(one["keepalives_idle"] == "7" && one["keepalives_interval"] == "3")
            #expect(one["tcp_user_timeout"] == "9000")
        }
    }

    @Test(arguments: ["", "a b", "a-c", "x=1", "work_mem -c role"])
    func `a setting's name that could be more than one is refused`(name: String) {
        var configuration = PQConfiguration(connectionString: "host=a")
        configuration.sessionSettings = [name: "1"]
        #expect(throws: PQError.self) { try configuration.validate() }
    }

    @Test
    func `a password is taken out of what libpq says`() throws {
        let target = try ConnectTarget(PQConfiguration(connectionString: "host=a password=hunter2"))
        #expect(target.redact("role hunter2 at hunter2") == "role *** at ***")
    }
}
