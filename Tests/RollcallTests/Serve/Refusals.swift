import Testing

extension Served {
    /// Expects an answer to be a problem, said as problems are.
    func expectProblem(
        _ answer: Answer,
        _ status: Int,
        _ code: String,
        field: String? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let told = Comment(rawValue: answer.text)
        #expect(answer.status == status, told, sourceLocation: sourceLocation)
        #expect(answer.headers["content-type"] == "application/problem+json", told, sourceLocation: sourceLocation)
        do {
            let problem = try answer.decoded(ProblemView.self)
            #expect(problem.status == status, told, sourceLocation: sourceLocation)
            #expect(problem.code == code, told, sourceLocation: sourceLocation)
            #expect(problem.field == field, told, sourceLocation: sourceLocation)
            for text in [problem.type, problem.title, problem.detail, problem.hint] {
                #expect(!text.isEmpty, told, sourceLocation: sourceLocation)
            }
        } catch {
            Issue.record("\(error)", sourceLocation: sourceLocation)
        }
    }

    /// Expects a request to be refused and to leave nothing behind, and the service to go on.
    ///
    /// Only for suites whose tests run one after the other.
    func expectRefused(
        _ status: Int,
        _ code: String,
        field: String? = nil,
        sourceLocation: SourceLocation = #_sourceLocation,
        _ request: () async throws -> Answer
    ) async throws {
        let before = try await installation.ledgerCount()
        let answer = try await request()
        expectProblem(answer, status, code, field: field, sourceLocation: sourceLocation)
        #expect(try await installation.ledgerCount() == before, "something is left", sourceLocation: sourceLocation)
        #expect(try await http.send("GET", "/readyz").status == 200, sourceLocation: sourceLocation)
    }
}
