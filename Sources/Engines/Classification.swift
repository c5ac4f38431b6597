import Domain

/// Says what an HTTP answer means for us; the one place where answers become verdicts.
///
/// The status code decides; only a 2xx needs its body, because Wawp also reports failures under 200.
/// Source: Wawp's and WAHA's pages on errors; public clients of Wawp meet 200 with `{code,message}` and 200 with
/// nothing.
///
/// - Parameters:
///   - call: what was asked; a read may report a word we do not know, a command may not.
///   - httpStatus: the final status, 200 or more.
///   - body: the whole body, or its first part when it was not a 2xx.
///   - retryAfter: what the engine asked us to wait, if it did.
///   - redaction: takes the account's token and other secrets out of the excerpt.
/// - Returns: the verdict, the status word if the body names one, and an excerpt unless all is well.
func classify(
    call: EngineCall,
    httpStatus: Int,
    body: [UInt8],
    retryAfter: Duration? = nil,
    redaction: Redaction
) -> EngineAnswer {
    guard (200..<300).contains(httpStatus) else {
        return EngineAnswer(
            verdict: verdict(ofFailure: httpStatus),
            httpStatus: httpStatus,
            detail: redaction.excerpt(body),
            retryAfter: retryAfter
        )
    }
    let words = ReplyWords(json: body)
    let status = words?.sessionStatus
    let verdict = verdict(ofSuccess: call, status: status, code: words?.code)
    return EngineAnswer(
        verdict: verdict,
        status: status.map(redaction.redacted),
        httpStatus: httpStatus,
        // A success needs no words, and its body holds the linked telephone number or the QR.
        detail: verdict == .ok ? "" : redaction.excerpt(body),
        retryAfter: verdict == .ok ? nil : retryAfter
    )
}

private func verdict(ofSuccess call: EngineCall, status: SessionStatus?, code: String?) -> EngineVerdict {
    switch status {
    case .stopped, .starting, .scanQRCode, .working, .suspect, .failed: return .ok
    case .unknown, nil:
        if let code, code.lowercased() != "success" { return .errorBody }
        // A queue note (`{"status":"queued"}`) is no evidence that a command was done; from a read, a word
        // that is new to us is still what the session says.
        return call == .info && status != nil ? .ok : .verify
    }
}

private func verdict(ofFailure httpStatus: Int) -> EngineVerdict {
    switch httpStatus {
    case 401: .auth
    case 404: .missing
    case 422: .already
    case 408, 425, 429: .transient
    case 300..<500: .permanent
    default: .transient
    }
}

extension Redaction {
    /// A word we do not know is the engine's free text: it passes the same filter.
    func redacted(_ status: SessionStatus) -> SessionStatus {
        guard case .unknown(let word) = status else { return status }
        return .unknown(String(excerpt(word).unicodeScalars.prefix(64)))
    }
}
