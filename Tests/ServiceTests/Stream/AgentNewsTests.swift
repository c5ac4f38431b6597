import Domain
import NIOCore
import Testing

@testable import Service

@Suite("AgentNews")
struct AgentNewsTests {
    typealias News = FeedEvent.AgentNews

    private static func facets(
        team: String = "red",
        shift: Shift = .in,
        condition: Condition = .converged,
        agreement: Agreement = .fine,
        identity: Int = 1
    ) -> AgentFacets {
        AgentFacets(
            agentID: "a1",
            team: team,
            shift: shift,
            desired: .running,
            condition: condition,
            agreement: agreement,
            identity: identity
        )
    }

    private static func news(_ before: AgentFacets?, _ after: AgentFacets?, text: String = "a1\nanna") -> News {
        News(before: before, after: after, searchText: text, json: ByteBuffer())
    }

    @Test(arguments: [
        (news(nil, facets()), AgentFilter(), News.Telling.agent),
        (news(facets(), facets(shift: .out)), AgentFilter(shift: .in), .removed("a1")),
        (news(facets(shift: .out), facets(shift: .onBreak)), AgentFilter(shift: .in), .nothing),
        (news(facets(), facets(team: "blue")), AgentFilter(teams: ["red"]), .removed("a1")),
        (news(facets(team: "blue"), facets()), AgentFilter(teams: ["red"]), .agent),
        (news(facets(team: "blue"), nil), AgentFilter(teams: ["red"]), .nothing),
        (news(facets(), nil), AgentFilter(teams: ["red"]), .removed("a1")),
        (news(nil, facets(team: "blue")), AgentFilter(teams: ["red"]), .nothing),
        (news(facets(), facets(condition: .drifted)), AgentFilter(condition: .drifted), .agent),
        (news(facets(condition: .drifted), facets()), AgentFilter(condition: .drifted), .removed("a1")),
        (news(facets(), facets(agreement: .heldOn)), AgentFilter(agreement: .fine), .removed("a1")),
        (news(facets(agreement: .heldOn), facets()), AgentFilter(agreement: .fine), .agent),
        (news(facets(agreement: .mute), facets(agreement: .heldOn)), AgentFilter(agreement: .fine), .nothing),
        (news(facets(), facets()), AgentFilter(condition: .held, agreement: .fine), .nothing),
        (news(facets(), facets()), AgentFilter(search: "ANN"), .agent),
        (news(facets(), facets()), AgentFilter(search: "bob"), .nothing),
        (news(facets(), facets(identity: 2)), AgentFilter(search: "bob"), .removed("a1")),
    ])
    func `a filter is told who comes into view, who changes in it and who leaves it`(
        news: News,
        filter: AgentFilter,
        telling: News.Telling
    ) {
        #expect(news.telling(to: filter) == telling)
    }
}
