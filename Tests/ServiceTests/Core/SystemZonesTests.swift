import Domain
import Service
import Testing

@Suite("SystemZones")
struct SystemZonesTests {
    @Test(arguments: ["Europe/Berlin", "UTC", "America/Argentina/Buenos_Aires", "Etc/GMT+5"])
    func `a zone is found by its IANA name`(name: String) {
        #expect(SystemZones.rules(named: name)?.name == name)
    }

    @Test(arguments: [
        "", "Europe", "Europe/Nowhere", "/Europe/Berlin", "Europe//Berlin", "../zoneinfo/UTC", "zone.tab",
        "right/Europe/Berlin",
    ])
    func `anything else is none`(name: String) {
        #expect(SystemZones.rules(named: name) == nil)
    }
}
