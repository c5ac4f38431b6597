/// The addresses of the event and engine routes, for telling a wrong method from a wrong address.
package let eventRoutes: [(method: String, path: String)] = [
    ("POST", "/v1/clock-events"),
    ("POST", "/v1/agents/{agent}/clock-in"), ("POST", "/v1/agents/{agent}/clock-out"),
    ("POST", "/v1/agents/{agent}/break-start"), ("POST", "/v1/agents/{agent}/break-end"),
    ("POST", "/v1/sources/{source}/events"), ("POST", "/v1/sources/{source}/events/{token}"),
    ("OPTIONS", "/v1/sources/{source}/events"), ("OPTIONS", "/v1/sources/{source}/events/{token}"),
    ("POST", "/v1/engines/{account}/events"), ("POST", "/v1/engines/{account}/sweep"),
]
