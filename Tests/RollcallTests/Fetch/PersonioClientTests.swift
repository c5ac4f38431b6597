import AsyncHTTPClient
import ClockSources
import Synchronization
import Testing

@testable import rollcall

@Suite("PersonioClient", .timeLimit(.minutes(1)))
struct PersonioClientTests {
    private static let path = "/v2/attendance-periods/p1"

    private func withClient(
        timeout: Duration = PersonioClient.timeout,
        _ body: @escaping @Sendable (PersonioClient, FakePersonio) async throws -> Void
    ) async throws {
        try await FakePersonio.run { api in
            let http = PersonioClient.makeClient()
            let settings = SourceAPISettings(url: api.url, clientID: "papi-id", clientSecret: "a secret&more")
            do {
                try await body(PersonioClient(settings, client: http, timeout: timeout), api)
            } catch {
                try await http.shutdown()
                throw error
            }
            try await http.shutdown()
        }
    }

    private func failure(_ client: PersonioClient) async -> RecordFetchError.Kind? {
        do throws(RecordFetchError) {
            _ = try await client.record(at: Self.path)
            return nil
        } catch {
            return error.kind
        }
    }

    @Test
    func `one token serves many records`() async throws {
        try await withClient { client, api in
            api.state.withLock { $0.records[Self.path] = #"{"id":"p1"}"# }
            for _ in 0..<3 {
                let record = try await client.record(at: Self.path)
                #expect(record == Array(#"{"id":"p1"}"#.utf8))
            }
            let state = api.state.withLock { $0 }
            #expect(
                state.grants == [
                    "grant_type=client_credentials&client_id=papi-id&client_secret=a%20secret%26more"
                ]
            )
            #expect(state.asked == Array(repeating: "\(Self.path) Bearer papi-token-1", count: 3))
        }
    }

    @Test
    func `a token that ended is replaced once`() async throws {
        try await withClient { client, api in
            api.state.withLock { $0.records[Self.path] = "{}" }
            _ = try await client.record(at: Self.path)
            api.state.withLock { $0.token = "papi-token-2" }
            let record = try await client.record(at: Self.path)
            #expect(record == Array("{}".utf8))
            api.state.withLock { $0.troubles = [401, 401] }
            #expect(await failure(client) == .unauthorized)
            #expect(api.state.withLock { $0.asked.count } == 5)
        }
    }

    @Test(arguments: [
        (403, RecordFetchError.Kind.unauthorized), (429, .rateLimited), (500, .unreachable), (503, .unreachable),
        (408, .timedOut), (400, .rejected), (302, .rejected),
    ])
    func `what is no record is told by its kind`(status: Int, expected: RecordFetchError.Kind) async throws {
        try await withClient { client, api in
            api.state.withLock { $0.troubles = [status] }
            #expect(await failure(client) == expected)
        }
    }

    @Test
    func `a record that is gone is none`() async throws {
        try await withClient { client, _ in
            let record = try await client.record(at: Self.path)
            #expect(record == nil)
        }
    }

    @Test(arguments: FakePersonio.Stall.allCases)
    func `an answer that begins and never ends is over in time, and the next is taken`(
        stall: FakePersonio.Stall
    )
        async throws
    {
        try await withClient(timeout: .seconds(2)) { client, api in
            // The token is asked for first, and that answer ends.
            api.state.withLock { $0.records[Self.path] = "{}" }
            _ = try await client.record(at: Self.path)
            api.state.withLock { $0.stalls = [stall] }
            let began = ContinuousClock.now
            #expect(await failure(client) == .timedOut)
            let took = ContinuousClock.now - began
            #expect(took > .milliseconds(1900) && took < .seconds(20), "\(took)")
            let record = try await client.record(at: Self.path)
            #expect(record == Array("{}".utf8))
        }
    }

    @Test
    func `an API that is not there is unreachable`() async throws {
        let http = PersonioClient.makeClient()
        let settings = SourceAPISettings(url: "http://127.0.0.1:1", clientID: "i", clientSecret: "s")
        #expect(await failure(PersonioClient(settings, client: http)) == .unreachable)
        try await http.shutdown()
    }
}
