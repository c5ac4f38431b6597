import Domain
import Testing

@testable import Engines

@Suite("classify")
struct ClassificationTests {
    private let redaction = Redaction(token: "tok_valid_0001")

    private func answer(_ call: EngineCall, _ status: Int, _ body: String) -> EngineAnswer {
        classify(call: call, httpStatus: status, body: Array(body.utf8), redaction: redaction)
    }

    @Test(
        arguments: [
            (300, EngineVerdict.permanent), (302, .permanent), (400, .permanent), (401, .auth), (402, .permanent),
            (403, .permanent), (404, .missing), (405, .permanent), (408, .transient), (409, .permanent),
            (422, .already),
            (425, .transient), (429, .transient), (499, .permanent), (500, .transient), (502, .transient),
            (503, .transient), (504, .transient), (599, .transient),
        ],
        EngineCall.allCases
    )
    func `a failure is told by its status alone`(row: (status: Int, verdict: EngineVerdict), call: EngineCall) {
        for body in ["", #"{"status":"WORKING"}"#, "<html>", #"{"code":"success"}"#] {
            let answer = answer(call, row.status, body)
            #expect(answer.verdict == row.verdict)
            #expect(answer.status == nil)
        }
    }

    @Test(
        arguments: ["STOPPED", "STARTING", "SCAN_QR_CODE", "WORKING", "FAILED", "working", " Working "],
        EngineCall.allCases
    )
    func `a word of the session is a success, whatever 2xx it came with`(word: String, call: EngineCall) {
        for status in [200, 201, 202] {
            #expect(answer(call, status, #"{"status":"\#(word)","code":"odd"}"#).verdict == .ok)
        }
    }

    @Test(
        arguments: [
            (EngineCall.info, EngineVerdict.ok), (.start, .verify), (.stop, .verify), (.restart, .verify),
        ]
    )
    func `a word we do not know is read, but proves no command`(row: (call: EngineCall, verdict: EngineVerdict)) {
        let answer = answer(row.call, 200, #"{"status":"queued"}"#)
        #expect(answer.verdict == row.verdict)
        #expect(answer.status == .unknown("queued"))
    }

    @Test(
        arguments: [
            (#"{"code":"invalid_session","message":"Session closed"}"#, EngineVerdict.errorBody),
            (#"{"code":"invalid_session","status":"error"}"#, .errorBody),
            (#"{"code":"invalid_session","status":404}"#, .errorBody),
            (#"{"code":"success","job_id":"1"}"#, .verify), (#"{"code":"Success"}"#, .verify),
            ("", .verify), ("{}", .verify), ("null", .verify), ("OK", .verify), ("<html>WORKING</html>", .verify),
            (#"{"status":"WORKING""#, .verify),
        ]
    )
    func `a success without evidence is not believed`(row: (body: String, verdict: EngineVerdict)) {
        for call in EngineCall.allCases {
            #expect(answer(call, 200, row.body).verdict == row.verdict)
        }
    }

    @Test func `a success shows nothing of its body`() {
        let body = #"{"status":"WORKING","me":{"id":"201012345678@c.us"},"qr":"data:image/png;base64,AAAA"}"#
        #expect(answer(.info, 200, body).detail == "")
    }

    @Test func `an unknown word that holds a secret is filtered too`() {
        let answer = answer(.info, 200, #"{"status":"token tok_valid_0001 of +201012345678"}"#)
        #expect(answer.status == .unknown("token [removed] of +[removed]"))
    }
}
