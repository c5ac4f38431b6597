/// The sample team: twelve people, each with a session of their own at the simulator.
struct DemoPerson: Sendable, Hashable {
    var id: String
    var name: String
    var team: String

    var instanceID: String { "DEMO-\(id)" }

    static let all: [DemoPerson] = [
        DemoPerson(id: "ada", name: "Ada Mbeki", team: "front-desk"),
        DemoPerson(id: "bruno", name: "Bruno Sá", team: "front-desk"),
        DemoPerson(id: "chen", name: "Chen Li", team: "front-desk"),
        DemoPerson(id: "dilara", name: "Dilara Aydın", team: "front-desk"),
        DemoPerson(id: "emil", name: "Emil Novák", team: "support"),
        DemoPerson(id: "farah", name: "Farah Haddad", team: "support"),
        DemoPerson(id: "goran", name: "Goran Ilić", team: "support"),
        DemoPerson(id: "hana", name: "Hana Sato", team: "support"),
        DemoPerson(id: "ines", name: "Inés Prieto", team: "late-shift"),
        DemoPerson(id: "jonas", name: "Jonas Weber", team: "late-shift"),
        DemoPerson(id: "kofi", name: "Kofi Annor", team: "late-shift"),
        DemoPerson(id: "lena", name: "Lena Olsen", team: "late-shift"),
    ]
}
