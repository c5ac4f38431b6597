package import ClockSources

/// Whom to tell of incidents.
package struct AlertSettings: Sendable {
    package var target: AlertTarget
    package var signer: StandardWebhooksSigner
    /// How long an agent on shift may be unable to work before that is told.
    package var after: Duration
}

// The settings of what the outside is told.
extension LoadSettings {
    /// `nil` without an address, or when something is wrong, which is then among the problems.
    mutating func alerts() -> AlertSettings? {
        let urlName = SettingName("alert_url")
        let secretName = SettingName("alert_secret")
        let url = reader.secret(urlName)
        let secrets = reader.secretList(secretName)
        let after = reader.duration(SettingName("alert_after"), default: .minutes(5), in: .seconds(1) ... .hours(24))
        let hosts = reader.list(SettingName("alert_allow_hosts"))
        guard let url else { return nil }
        let target = AlertTarget(url, allowedHosts: hosts)
        if target == nil {
            reader.add(
                .init(
                    setting: urlName.variable,
                    fault: "it is no https address without a credential before its host",
                    remedy: "correct it, or name the host in ROLLCALL_ALERT_ALLOW_HOSTS, which lets http pass as well"
                )
            )
        }
        let signer = StandardWebhooksSigner(secrets: secrets)
        if signer == nil, !isRefused(secretName) {
            reader.add(
                .init(
                    setting: secretName.variable,
                    fault: secrets.isEmpty
                        ? "it is not set, so nobody could tell our alerts from others'" : "it is no secret",
                    remedy: "make one: echo whsec_$(openssl rand -base64 32)"
                )
            )
        }
        guard let target, let signer else { return nil }
        return AlertSettings(target: target, signer: signer, after: after)
    }
}
