import Domain
import Testing

@Suite("standingReport")
struct RecordReportTests {
    private func report(_ version: Int64?, _ second: Int64) -> RecordReport {
        RecordReport(version: version, reportedAt: Timestamp(seconds: 1_800_000_000 + second))
    }

    @Test
    func `of no reports none stands`() {
        #expect(standingReport([]) == nil)
    }

    @Test
    func `the highest version stands, whenever it came`() {
        #expect(standingReport([report(3, 1), report(2, 9)]) == report(3, 1))
    }

    @Test
    func `of two reports under one version the later stands`() {
        #expect(standingReport([report(5, 2), report(5, 1)]) == report(5, 2))
    }

    @Test
    func `a report without a version is newer than all that was known when it came`() {
        #expect(standingReport([report(7, 1), report(nil, 2)]) == report(nil, 2))
        #expect(standingReport([report(nil, 1), report(nil, 2)]) == report(nil, 2))
    }

    @Test
    func `a version that is higher than all before stands over an earlier report without one`() {
        #expect(standingReport([report(nil, 1), report(9, 2)]) == report(9, 2))
        #expect(standingReport([report(7, 1), report(nil, 2), report(9, 3)]) == report(9, 3))
    }

    @Test
    func `the making of a record undoes nothing when it comes late`() {
        #expect(standingReport([report(nil, 1), report(0, 2)]) == report(nil, 1))
        #expect(standingReport([report(0, 1), report(nil, 2)]) == report(nil, 2))
    }

    @Test
    func `a version that was overtaken stays so`() {
        #expect(standingReport([report(7, 1), report(nil, 2), report(7, 3)]) == report(nil, 2))
    }

    @Test
    func `the highest number there is leaves no room above, and nothing breaks`() {
        #expect(standingReport([report(.max, 1), report(nil, 2)]) == report(nil, 2))
        #expect(standingReport([report(.min, 1)]) == report(.min, 1))
    }

    @Test
    func `neither order nor repetition of the reports matters`() {
        let reports = [report(nil, 1), report(3, 2), report(nil, 3), report(3, 4), report(0, 5)]
        for shift in reports.indices {
            let turned = Array(reports[shift...] + reports[..<shift])
            #expect(standingReport(turned + turned) == standingReport(reports))
            #expect(standingReport(turned.reversed()) == standingReport(reports))
        }
        #expect(standingReport(reports) == report(nil, 3))
    }
}
