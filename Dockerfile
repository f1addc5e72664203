# syntax=docker/dockerfile:1
# Watchword's image, built with Docker:
#
#   docker buildx build --platform linux/amd64,linux/arm64 --tag watchword .
#
# helm/image/build.py compiles the program and decides which files are in the image. Without Docker,
# it writes the same image itself (docs/image.md).
#
# The program is static, because the image has no libraries. It is linked with glibc, not with musl,
# whose allocator is slow with many threads. In return, the image has a notice of glibc's licence,
# the LGPL.

# The compiler runs on the build platform and compiles for the other one, which is much faster than
# emulation.
FROM --platform=$BUILDPLATFORM rust:1.95-bookworm AS build
ARG BUILDARCH
ARG TARGETARCH
RUN case $TARGETARCH in \
      amd64) triple=x86_64-unknown-linux-gnu gcc=gcc-x86-64-linux-gnu ;; \
      arm64) triple=aarch64-unknown-linux-gnu gcc=gcc-aarch64-linux-gnu ;; \
      *) echo "found platform $TARGETARCH; expected one of: amd64, arm64" >&2; exit 1 ;; \
    esac \
    && cross="$gcc libc6-dev-$TARGETARCH-cross" \
    && if [ "$TARGETARCH" = "$BUILDARCH" ]; then cross=; fi \
    && apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python3 $cross \
    && rm -rf /var/lib/apt/lists/* \
    && rustup target add "$triple" \
    && echo "$triple" >/triple

WORKDIR /watchword
COPY . .
ARG SOURCE_DATE_EPOCH
ARG SOURCE
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/watchword/target,sharing=locked \
    python3 helm/image/build.py --rootfs --output /image \
      --target "$(cat /triple)" --source "$SOURCE"

FROM scratch
ARG VERSION=0.1.0
ARG CREATED
ARG REVISION
ARG SOURCE
LABEL org.opencontainers.image.title="Watchword" \
      org.opencontainers.image.description="A gRPC token-validation sidecar for Envoy: \
may the bearer of this token pass, and who is it?" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.created="$CREATED" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.source="$SOURCE"
COPY --from=build /image/base/ /
COPY --from=build /image/program/ /
USER 65532:65532
WORKDIR /
EXPOSE 9191 9192 9193
ENTRYPOINT ["/watchword"]
CMD ["serve", "-c", "/etc/watchword/config/watchword.yaml"]
