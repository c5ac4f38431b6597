import Testing

@testable import rollcall

@Suite("ClusterLayout")
struct ClusterLayoutTests {
    @Test(arguments: 1...200)
    func `a socket's path fits, whatever the folder's length`(length: Int) {
        let layout = ClusterLayout(directory: "/" + String(repeating: "d", count: length))
        #expect("\(layout.socketDirectory)/.s.PGSQL.5432".utf8.count <= 107)
    }

    @Test func `long folders of different names get sockets of their own`() {
        let long = "/" + String(repeating: "d", count: 120)
        let first = ClusterLayout(directory: long + "1").socketDirectory
        #expect(first != ClusterLayout(directory: long + "2").socketDirectory)
        #expect(first == ClusterLayout(directory: long + "1").socketDirectory)
    }

    @Test func `a folder's name cannot add words to the connection string`() {
        let layout = ClusterLayout(directory: "/x' host=evil \\")
        #expect(layout.connectionString.hasPrefix(#"host='/x\' host=evil \\/socket' port="#))
    }

    @Test(
        arguments: [
            ([14, 15, 17], nil, 17), ([15, 17], 15, 15), ([14], nil, nil), ([17], 15, nil), ([14], 14, nil),
            ([], nil, nil),
        ] as [([Int], Int?, Int?)]
    )
    func `new data gets the newest server, and old data its own`(installed: [Int], data: Int?, expected: Int?) {
        let all = installed.map { PostgresInstallation(binaries: "/pg/\($0)/bin", majorVersion: $0) }
        // A throw is the answer "none".
        let chosen = try? PostgresInstallation.choose(among: all, dataVersion: data)
        #expect(chosen?.majorVersion == expected)
    }

    @Test func `a line of the password file is found by its whole name`() {
        let text = "root:x:0:0:root:/root:/bin/sh\npostgres2:x:7:7::/:\npostgres:x:105:110:,:/var/lib:/bin/sh\n"
        #expect(
            ServerUser.find("postgres", inPasswordFile: text)
                == ServerUser(name: "postgres", userID: 105, groupID: 110)
        )
        #expect(ServerUser.find("nobody", inPasswordFile: text) == nil)
    }
}
