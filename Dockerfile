# Built with Swift's own image, run on a slim Debian with libpq, zlib and the time zones.
FROM swift:6.3-bookworm AS build
RUN apt-get -qq update \
    && apt-get -qq install -y --no-install-recommends libpq-dev pkg-config zlib1g-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY Package.swift ./
COPY Sources Sources
COPY Tests Tests
COPY migrations migrations
COPY docs docs
COPY Benchmarks Benchmarks
RUN swift build -c release --product rollcall --static-swift-stdlib --explicit-target-dependency-import-check error \
    && cp "$(swift build -c release --static-swift-stdlib --show-bin-path)/rollcall" /usr/local/bin/rollcall

FROM debian:bookworm-slim
RUN apt-get -qq update \
    && apt-get -qq install -y --no-install-recommends ca-certificates curl libpq5 tzdata zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --no-create-home --home-dir /nonexistent rollcall
COPY --from=build /usr/local/bin/rollcall /usr/local/bin/rollcall
USER rollcall
# A container is reached from outside it; what may reach it is the container network's business.
ENV ROLLCALL_HTTP_HOST=0.0.0.0 ROLLCALL_METRICS_HOST=0.0.0.0
EXPOSE 8080 9464
# Whether the process lives, at the address of the environment: while the database is away nothing gets better by a restart.
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s \
    CMD curl -fsS -o /dev/null "http://127.0.0.1:${ROLLCALL_HTTP_PORT:-8080}/livez" \
        || curl -fsS -o /dev/null "http://$ROLLCALL_HTTP_HOST:${ROLLCALL_HTTP_PORT:-8080}/livez"
ENTRYPOINT ["rollcall"]
CMD ["serve"]
