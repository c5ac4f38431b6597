import Testing

@testable import Service

/// HEAD is what GET is, without the body.
@Suite("HEAD", .timeLimit(.minutes(2)))
struct HeadTests {
    @Test(arguments: [
        ("/livez", 200), ("/readyz", 200), ("/", 200), ("/v1/agents", 200), ("/v1/stream", 200),
        ("/assets/page.css", 200),
        ("/v1/agents/nobody", 404), ("/nothing", 404), ("/v1/actions", 405),
    ])
    func `the next answer of the connection follows at once`(path: String, status: Int) async throws {
        try await withPage { page in
            let key = try #require(page.management.keys[.view])
            let connection = try KeptConnection(port: page.port)
            defer { connection.end() }
            let answers = try await connection.exchange(
                "HEAD \(path) HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(key)\r\n\r\n"
                    + "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n",
                until: #"{"status":"alive"}"#
            )
            #expect(answers.hasPrefix("HTTP/1.1 \(status) "), "\(answers)")
            let parts = answers.split(separator: "\r\n\r\n")
            #expect(parts.count == 3 && parts[1].hasPrefix("HTTP/1.1 200 "), "\(answers)")
            #expect(page.feed.subscriberCount == 0)
        }
    }

    @Test(arguments: [
        ("/livez", "identity"), ("/openapi.yaml", "identity"), ("/v1/agents", "identity"),
        ("/v1/agents/nobody", "identity"),
        ("/nothing", "identity"), ("/assets/page.css", "identity"), ("/assets/page.css", "gzip"),
    ])
    func `the fields are those of GET`(path: String, encoding: String) async throws {
        try await withPage { page in
            let key = try #require(page.management.keys[.view])
            let headers = ["Authorization": "Bearer \(key)", "Accept-Encoding": encoding]
            let get = try await page.send("GET", path, nil, headers: headers)
            let head = try await page.send("HEAD", path, nil, headers: headers)
            #expect(head.status == get.status && head.body.isEmpty, "\(head.text)")
            #expect(head.headers["content-length"] == "\(get.body.count)")
            for name in ["content-type", "content-encoding", "etag", "vary", "cache-control"] {
                #expect(head.headers[name] == get.headers[name], "\(name)")
            }
        }
    }

    @Test
    func `what would be compressed has the length of what is not`() async throws {
        try await withPage { page in
            let headers = ["Accept-Encoding": "gzip"]
            #expect(try await page.send("GET", "/", nil, headers: headers).headers["content-encoding"] == "gzip")
            let head = try await page.send("HEAD", "/", nil, headers: headers)
            #expect(head.headers["content-encoding"] == nil && head.headers["vary"] == "Accept-Encoding")
            #expect(Int(head.headers["content-length"] ?? "") ?? 0 >= 1024, "\(head.headers)")
        }
    }

    @Test
    func `it is allowed wherever GET is`() async throws {
        try await withPage { page in
            for (method, path, allowed) in [
                ("POST", "/livez", "GET, HEAD"), ("PATCH", "/v1/keys", "GET, HEAD, POST"),
                ("HEAD", "/v1/actions", "POST"),
            ] {
                let answer = try await page.send(method, path, nil)
                #expect(
                    answer.status == 405 && answer.headers["allow"] == allowed,
                    "\(method) \(path) \(answer.headers)"
                )
            }
        }
    }
}
