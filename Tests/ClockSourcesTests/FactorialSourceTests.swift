import Domain
import Testing

@testable import ClockSources

@Suite("FactorialSource")
struct FactorialSourceTests {
    static let body = #"{"employee_id":3301,"now":"2026-03-02T09:31:00.250+01:00","location_type":"office"}"#

    @Test(
        arguments: zip(
            ["type=clock-in", "type=clock-out", "a=b&type=clock-out"],
            ["clock_in", "clock_out", "clock_out"]
        )
    )
    func `the address says which of the two it is`(query: String, kind: String) throws {
        let reading = try SignedDelivery.factorial(Self.body, query: query).read()
        #expect(reading.story == ["\(kind) 2026-03-02T08:31:00.250Z"])
        #expect(reading.punches.map(\.externalAgent) == ["3301"])
        #expect(reading.punches.map(\.eventID) == [nil])
        #expect(reading.deliveryID == nil)
    }

    @Test(arguments: [nil, "", "type", "type=", "type=shift", "type=clock-in&type=clock-out", "kind=clock-in"])
    func `without a type that we know nothing happened`(query: String?) throws {
        #expect(
            try SignedDelivery.factorial(Self.body, query: query).read() == DeliveryReading(ignored: "unknown-type")
        )
    }

    @Test(arguments: [
        "{}", "[]", "", #"{"employee_id":3301}"#, #"{"employee_id":3301,"now":"2026-03-02 09:31:00"}"#,
        #"{"employee_id":null,"now":"2026-03-02T09:31:00+01:00"}"#, #"{"employee_id":1,"now":"2036-03-02T09:31:00Z"}"#,
    ])
    func `a body that cannot be read says nothing`(body: String) throws {
        #expect(try SignedDelivery.factorial(body).read().ignored == "unusable")
    }

    @Test
    func `the challenge may come in a header of another name, and must be whole`() throws {
        var delivery = SignedDelivery.factorial(Self.body)
        #expect(throws: SourceRefusal(.badProof)) { try delivery.read { $0.headerName = "x-challenge" } }
        delivery.headers = [("X-Challenge", SignedDelivery.secret)]
        #expect(throws: Never.self) { try delivery.read { $0.headerName = "x-challenge" } }
        delivery.headers = [("x-factorial-wh-challenge", String(SignedDelivery.secret.dropLast()))]
        #expect(throws: SourceRefusal(.badProof)) { try delivery.read() }
    }
}
