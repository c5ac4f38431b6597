package import Hummingbird

/// Adds the routes outside the hot path: health, agents, holds, reads, keys.
///
/// ``ProblemMiddleware`` has to stand on the router already. `/v1` routes find their caller themselves.
package func addManagementRoutes(to router: Router<AppRequestContext>, _ dependencies: ManagementDependencies) {
    HealthRoutes(pool: dependencies.readPool, logger: dependencies.logger).add(to: router)
    let keyed = router.group("v1").add(
        middleware: Authenticate(dependencies.keyRing, session: dependencies.session)
    )
    let agents = AgentRoutes(dependencies)
    let actions = ActionRoutes(dependencies)
    let pairing = PairingRoutes(dependencies)
    let reads = ReadRoutes(dependencies)
    let aliases = AliasRoutes(dependencies)
    let sources = SourceManagementRoutes(dependencies)
    let alerts = AlertRoutes(dependencies)
    let held = GuardRoutes(dependencies)
    let keys = KeyRoutes(keyRing: dependencies.keyRing, limits: dependencies.limits)

    keyed.requireRole(.view)
        .add(middleware: Compress(types: ["application/json"]))
        .get("agents", use: agents.list)
        .get("agents/{agent}", use: agents.show)
        .get("agents/{agent}/explain", use: reads.explain)
        .get("agents/{agent}/timeline", use: reads.timeline)
        .get("summary", use: reads.summary)
        .get("stats", use: reads.stats)
        .get("incidents", use: reads.incidents)
        .get("engines", use: reads.engines)
        .get("unmatched", use: reads.unmatched)
        .get("alerts", use: alerts.list)
        .get("guard", use: held.list)
        .get("guard/{change}", use: held.show)
        .get("sources/{source}/aliases", use: aliases.list)
        .get("sources", use: sources.list)
        .get("sources/{source}", use: sources.show)
        .get("sources/{source}/deliveries", use: sources.deliveries)
    keyed.requireRole(.manage)
        .put("agents/{agent}/hold", use: agents.hold)
        .delete("agents/{agent}/hold", use: agents.release)
        .post("agents/{agent}/reconcile", use: agents.reconcile)
        .post("agents/{agent}/reboot", use: agents.reboot)
        .post("actions", use: actions.order)
        .post("agents/{agent}/pairing", use: pairing.ask)
        .post("sources/{source}/verify", use: sources.verify)
        .post("guard/{change}/approve", use: held.approve)
        .post("guard/{change}/refuse", use: held.refuse)
    keyed.requireRole(.admin)
        .put("agents/{agent}", use: agents.put)
        .delete("agents/{agent}", use: agents.remove)
        .delete("sources/{source}/people/{external_id}", use: agents.erase)
        .put("sources/{source}/aliases/{external_id}", use: aliases.put)
        .delete("sources/{source}/aliases/{external_id}", use: aliases.remove)
        .get("keys", use: keys.list)
        .post("keys", use: keys.create)
        .delete("keys/{key}", use: keys.revoke)
}

/// The addresses of this file's routes, for telling a wrong method from a wrong address.
package let managementRoutes: [(method: String, path: String)] = [
    ("GET", "/livez"), ("GET", "/readyz"), ("GET", "/openapi.yaml"),
    ("GET", "/v1/agents"), ("GET", "/v1/agents/{agent}"), ("PUT", "/v1/agents/{agent}"),
    ("DELETE", "/v1/agents/{agent}"), ("GET", "/v1/agents/{agent}/explain"), ("GET", "/v1/agents/{agent}/timeline"),
    ("PUT", "/v1/agents/{agent}/hold"), ("DELETE", "/v1/agents/{agent}/hold"),
    ("POST", "/v1/agents/{agent}/reconcile"), ("POST", "/v1/agents/{agent}/reboot"),
    ("POST", "/v1/actions"), ("POST", "/v1/agents/{agent}/pairing"),
    ("GET", "/v1/summary"), ("GET", "/v1/stats"), ("GET", "/v1/incidents"), ("GET", "/v1/unmatched"),
    ("GET", "/v1/engines"),
    ("DELETE", "/v1/sources/{source}/people/{external_id}"),
    ("GET", "/v1/sources/{source}/aliases"), ("PUT", "/v1/sources/{source}/aliases/{external_id}"),
    ("DELETE", "/v1/sources/{source}/aliases/{external_id}"),
    ("GET", "/v1/sources"), ("GET", "/v1/sources/{source}"), ("GET", "/v1/sources/{source}/deliveries"),
    ("POST", "/v1/sources/{source}/verify"),
    ("GET", "/v1/alerts"), ("GET", "/v1/guard"), ("GET", "/v1/guard/{change}"),
    ("POST", "/v1/guard/{change}/approve"), ("POST", "/v1/guard/{change}/refuse"),
    ("GET", "/v1/keys"), ("POST", "/v1/keys"), ("DELETE", "/v1/keys/{key}"),
]
