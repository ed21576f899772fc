# The operator's container image: make image
FROM debian:12-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends git make
WORKDIR /source
COPY scripts/setup scripts/
RUN scripts/setup
COPY . .
RUN make build && strip build/release/integration-operator

FROM debian:12-slim
# The shared libraries that the program is linked with.
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates tzdata \
      libcurl4 libevent-2.1-7 libevent-openssl-2.1-7 libevent-pthreads-2.1-7 libssl3 libsimdjson14 libyaml-0-2 \
      libre2-9 libfmt9 libspdlog1.10 libprometheus-cpp-core1.0 libicu72 libgmp10 libcrypt1 zlib1g libsqlite3-0 \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /source/build/release/integration-operator /usr/local/bin/
COPY LICENSE /usr/share/doc/integration-operator/
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/integration-operator"]
