# The images: one target a folder of image/variants/, and hakim-init as the last, small layer of each. What is between two marks
# is written by scripts/variants from image/versions.env and those folders; `make lint` checks that it is current.
#
#   docker build --target js .                      with Docker Hub's Debian
#   make image VARIANT=js                           with a Debian that mmdebstrap makes on the spot; buildah, podman or docker
#
# No USER: Proxmox would start PID 1 as that user. The secret `ca`, certificates in PEM, is for builds behind a proxy that has its
# own.
ARG BASE_IMAGE=docker.io/library/debian:trixie-slim

# versions: begin (scripts/variants)
ARG SOURCE_DATE_EPOCH=1793491200
ARG DEBIAN_MIRROR=http://deb.debian.org/debian
ARG DEBIAN_SECURITY_MIRROR=http://deb.debian.org/debian-security
ARG NPM_REGISTRY=https://registry.npmjs.org/
ARG CODE_SERVER_VERSION=4.100.3
ARG OPENCODE_VERSION=1.18.33
ARG NODE_VERSION=24.21.0
ARG NPM_VERSION=11.21.2
ARG BUN_VERSION=1.4.5
ARG PNPM_VERSION=10.34.8
ARG TYPESCRIPT_VERSION=5.9.3
ARG DOWNLOADS=yes
ARG MISE_VERSION=2026.2.1
ARG MISE_SHA256_AMD64=436d726c4046dd9e2681831830de5063c336d8a8164a9801de4c221bf5a8f846
ARG MISE_SHA256_ARM64=6726622825e5b79d4608e74f0ee5b4f1173c39ba3d0548e8d66dfeafdc4f46a0
ARG MISE_URL=https://github.com/jdx/mise/releases/download
ARG DOTNET_SDK_VERSION=9.0.301
ARG DOTNET_SDK_SHA512_AMD64=7415a264843d3df78bd57fb2f17074e811e0b193976a45b4d6778d3ebb9266854c4e037c3cdf4b534de7b8c64799b0e58dce9fac6f3f3c6cacb3295555d31d4f
ARG DOTNET_SDK_SHA512_ARM64=24e2329c40cf3e42cd1e8753d88fce454bc4a9abbad2b01e80f33130a801123a531e227673d381cb9710b715805f188fe0dcb9833fb7d04dab2cd937a1f480ed
ARG DOTNET_SDK_URL=https://builds.dotnet.microsoft.com/dotnet/Sdk
ARG LARAVEL_INSTALLER_VERSION=5.24.3
ARG LARAVEL_INSTALLER_COMMIT=4eb948595b4dbf3524b88a9fa7b0387b2e03a958
ARG LARAVEL_INSTALLER_URL=https://github.com/laravel/installer
ARG PACKAGIST_URL=https://repo.packagist.org
ARG HEX_VERSION=2.3.1
ARG HEX_COMMIT=e05c83f274bafdc76837b59ff5b9fecd1964ce57
ARG HEX_URL=https://github.com/hexpm/hex
ARG PHOENIX_VERSION=1.8.3
ARG PHOENIX_COMMIT=07fc5ac215b61849ba54c4cc506dbb1b5248d6d3
ARG PHOENIX_URL=https://github.com/phoenixframework/phoenix
# versions: end

# ---- Debian, as small as the official one, and with its own mirrors written into it
FROM ${BASE_IMAGE} AS system
COPY image/debian/ /
ENV PATH=/nix/var/nix/profiles/default/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
	LANG=en_US.UTF-8

# ---- hakim-init itself: nothing of this stage but /out is kept
FROM system AS builder
ARG DEBIAN_MIRROR
ARG DEBIAN_SECURITY_MIRROR
COPY image/recipe.sh /tmp/hakim/recipe.sh
RUN . /tmp/hakim/recipe.sh && apt_install gcc libc6-dev make musl-tools linux-libc-dev libinih-dev libcap-dev libseccomp-dev \
	libcurl4-openssl-dev libssl-dev zlib1g-dev libjansson-dev libzstd-dev pkg-config
COPY Makefile /src/
COPY common /src/common
COPY init /src/init
COPY supervisor /src/supervisor
COPY modules /src/modules
COPY image/*.c image/*.h /src/image/
COPY dpkg /src/dpkg
COPY completion /src/completion
COPY docs/*.1 /src/docs/
COPY LICENSE /src/
# hakim, the command of the Proxmox host, has no use in a workspace.
RUN cd /src && make -s -j"$(nproc)" all && make -s install DESTDIR=/out PREFIX=/usr && \
	rm -f /out/usr/bin/hakim /out/usr/share/bash-completion/completions/hakim \
	/out/usr/share/zsh/vendor-completions/_hakim /out/usr/share/man/man1/hakim.1 && \
	find /out/usr/bin /out/usr/sbin /out/usr/lib/hakim -maxdepth 1 -type f -exec sh -c \
	'for f; do case $(head -c 4 "$f" | tail -c 3) in ELF) strip --strip-unneeded "$f" ;; esac; done' sh {} + && \
	install -D -m 0644 LICENSE /out/usr/share/doc/hakim-init/copyright

# ---- what npm builds: with Debian's Node and compilers, which stay here
FROM system AS npm
ARG DEBIAN_MIRROR
ARG DEBIAN_SECURITY_MIRROR
COPY image/recipe.sh /tmp/hakim/recipe.sh
RUN . /tmp/hakim/recipe.sh && apt_install ca-certificates nodejs npm g++ make python3 libnode-dev

FROM npm AS programs
ARG NPM_REGISTRY
ARG CODE_SERVER_VERSION
ARG OPENCODE_VERSION
COPY image/recipe.sh image/programs.sh /tmp/hakim/
RUN --mount=type=secret,id=ca sh /tmp/hakim/programs.sh

FROM npm AS node
ARG NPM_REGISTRY
ARG NODE_VERSION
ARG NPM_VERSION
ARG BUN_VERSION
ARG PNPM_VERSION
COPY image/recipe.sh image/node.sh /tmp/hakim/
RUN --mount=type=secret,id=ca sh /tmp/hakim/node.sh

# variants: begin (scripts/variants)
# ---- base: Debian 13 with hakim-init, the services of a workspace and a command line to live in
FROM system AS base-root
COPY --from=programs /opt/npm /opt/npm
ARG SOURCE_DATE_EPOCH
ARG DEBIAN_MIRROR
ARG DEBIAN_SECURITY_MIRROR
ARG NPM_REGISTRY
ARG DOWNLOADS
COPY image/recipe.sh image/variants/base/install.sh /tmp/hakim/
RUN --mount=type=secret,id=ca sh /tmp/hakim/install.sh
FROM base-root AS base
COPY --from=builder /out /
RUN /usr/lib/hakim/dpkg/setup && rm -f /var/lib/dpkg/*-old
ENTRYPOINT ["/usr/sbin/hakim-init"]
CMD []
STOPSIGNAL SIGTERM
ARG SOURCE=https://github.com/shekohex/hakim
ARG REVISION=unknown
ARG VERSION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="hakim-base" \
	org.opencontainers.image.description="Debian 13 with hakim-init, the services of a workspace and a command line to live in" \
	org.opencontainers.image.source="$SOURCE" \
	org.opencontainers.image.revision="$REVISION" \
	org.opencontainers.image.version="$VERSION" \
	org.opencontainers.image.created="$CREATED" \
	org.opencontainers.image.licenses="MIT" \
	devcontainer.metadata="[{\"overrideCommand\":false,\"remoteUser\":\"coder\"}]"

# ---- tooling: Base with Node, bun, pnpm, Chromium, debuggers and the tools that all languages share
FROM base-root AS tooling-root
COPY --from=node /opt/node /opt/node
ARG SOURCE_DATE_EPOCH
ARG DEBIAN_MIRROR
ARG DEBIAN_SECURITY_MIRROR
ARG NPM_REGISTRY
ARG DOWNLOADS
ARG MISE_VERSION
ARG MISE_SHA256_AMD64
ARG MISE_SHA256_ARM64
ARG MISE_URL
COPY image/recipe.sh image/variants/tooling/install.sh /tmp/hakim/
RUN --mount=type=secret,id=ca sh /tmp/hakim/install.sh
FROM tooling-root AS tooling
COPY --from=builder /out /
RUN /usr/lib/hakim/dpkg/setup && rm -f /var/lib/dpkg/*-old
ENTRYPOINT ["/usr/sbin/hakim-init"]
CMD []
STOPSIGNAL SIGTERM
ARG SOURCE=https://github.com/shekohex/hakim
ARG REVISION=unknown
ARG VERSION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="hakim-tooling" \
	org.opencontainers.image.description="Base with Node, bun, pnpm, Chromium, debuggers and the tools that all languages share" \
	org.opencontainers.image.source="$SOURCE" \
	org.opencontainers.image.revision="$REVISION" \
	org.opencontainers.image.version="$VERSION" \
	org.opencontainers.image.created="$CREATED" \
	org.opencontainers.image.licenses="MIT" \
	devcontainer.metadata="[{\"overrideCommand\":false,\"remoteUser\":\"coder\"}]"

# ---- php: PHP 8.4 with composer, the usual extensions and Laravel's installer
FROM tooling-root AS php-root
ARG SOURCE_DATE_EPOCH
ARG DEBIAN_MIRROR
ARG DEBIAN_SECURITY_MIRROR
ARG NPM_REGISTRY
ARG DOWNLOADS
ARG LARAVEL_INSTALLER_VERSION
ARG LARAVEL_INSTALLER_COMMIT
ARG LARAVEL_INSTALLER_URL
ARG PACKAGIST_URL
COPY image/recipe.sh image/variants/php/install.sh /tmp/hakim/
RUN --mount=type=secret,id=ca sh /tmp/hakim/install.sh
FROM php-root AS php
COPY --from=builder /out /
RUN /usr/lib/hakim/dpkg/setup && rm -f /var/lib/dpkg/*-old
ENTRYPOINT ["/usr/sbin/hakim-init"]
CMD []
STOPSIGNAL SIGTERM
ARG SOURCE=https://github.com/shekohex/hakim
ARG REVISION=unknown
ARG VERSION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="hakim-php" \
	org.opencontainers.image.description="PHP 8.4 with composer, the usual extensions and Laravel's installer" \
	org.opencontainers.image.source="$SOURCE" \
	org.opencontainers.image.revision="$REVISION" \
	org.opencontainers.image.version="$VERSION" \
	org.opencontainers.image.created="$CREATED" \
	org.opencontainers.image.licenses="MIT" \
	devcontainer.metadata="[{\"overrideCommand\":false,\"remoteUser\":\"coder\"}]"

# ---- dotnet: .NET SDK 9
FROM tooling-root AS dotnet-root
ARG SOURCE_DATE_EPOCH
ARG DEBIAN_MIRROR
ARG DEBIAN_SECURITY_MIRROR
ARG NPM_REGISTRY
ARG DOWNLOADS
ARG DOTNET_SDK_VERSION
ARG DOTNET_SDK_SHA512_AMD64
ARG DOTNET_SDK_SHA512_ARM64
ARG DOTNET_SDK_URL
COPY image/recipe.sh image/variants/dotnet/install.sh /tmp/hakim/
RUN --mount=type=secret,id=ca sh /tmp/hakim/install.sh
ENV DOTNET_ROOT=/usr/share/dotnet DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=true DOTNET_GENERATE_ASPNET_CERTIFICATE=false
FROM dotnet-root AS dotnet
COPY --from=builder /out /
RUN /usr/lib/hakim/dpkg/setup && rm -f /var/lib/dpkg/*-old
ENTRYPOINT ["/usr/sbin/hakim-init"]
CMD []
STOPSIGNAL SIGTERM
ARG SOURCE=https://github.com/shekohex/hakim
ARG REVISION=unknown
ARG VERSION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="hakim-dotnet" \
	org.opencontainers.image.description=".NET SDK 9" \
	org.opencontainers.image.source="$SOURCE" \
	org.opencontainers.image.revision="$REVISION" \
	org.opencontainers.image.version="$VERSION" \
	org.opencontainers.image.created="$CREATED" \
	org.opencontainers.image.licenses="MIT" \
	devcontainer.metadata="[{\"overrideCommand\":false,\"remoteUser\":\"coder\"}]"

# ---- js: Node LTS, bun, pnpm and TypeScript
FROM tooling-root AS js-root
ARG SOURCE_DATE_EPOCH
ARG DEBIAN_MIRROR
ARG DEBIAN_SECURITY_MIRROR
ARG NPM_REGISTRY
ARG TYPESCRIPT_VERSION
ARG DOWNLOADS
COPY image/recipe.sh image/variants/js/install.sh /tmp/hakim/
RUN --mount=type=secret,id=ca sh /tmp/hakim/install.sh
FROM js-root AS js
COPY --from=builder /out /
RUN /usr/lib/hakim/dpkg/setup && rm -f /var/lib/dpkg/*-old
ENTRYPOINT ["/usr/sbin/hakim-init"]
CMD []
STOPSIGNAL SIGTERM
ARG SOURCE=https://github.com/shekohex/hakim
ARG REVISION=unknown
ARG VERSION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="hakim-js" \
	org.opencontainers.image.description="Node LTS, bun, pnpm and TypeScript" \
	org.opencontainers.image.source="$SOURCE" \
	org.opencontainers.image.revision="$REVISION" \
	org.opencontainers.image.version="$VERSION" \
	org.opencontainers.image.created="$CREATED" \
	org.opencontainers.image.licenses="MIT" \
	devcontainer.metadata="[{\"overrideCommand\":false,\"remoteUser\":\"coder\"}]"

# ---- rust: Rust with cargo, clippy, rustfmt and rust-analyzer
FROM tooling-root AS rust-root
ARG SOURCE_DATE_EPOCH
ARG DEBIAN_MIRROR
ARG DEBIAN_SECURITY_MIRROR
ARG NPM_REGISTRY
ARG DOWNLOADS
COPY image/recipe.sh image/variants/rust/install.sh /tmp/hakim/
RUN --mount=type=secret,id=ca sh /tmp/hakim/install.sh
FROM rust-root AS rust
COPY --from=builder /out /
RUN /usr/lib/hakim/dpkg/setup && rm -f /var/lib/dpkg/*-old
ENTRYPOINT ["/usr/sbin/hakim-init"]
CMD []
STOPSIGNAL SIGTERM
ARG SOURCE=https://github.com/shekohex/hakim
ARG REVISION=unknown
ARG VERSION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="hakim-rust" \
	org.opencontainers.image.description="Rust with cargo, clippy, rustfmt and rust-analyzer" \
	org.opencontainers.image.source="$SOURCE" \
	org.opencontainers.image.revision="$REVISION" \
	org.opencontainers.image.version="$VERSION" \
	org.opencontainers.image.created="$CREATED" \
	org.opencontainers.image.licenses="MIT" \
	devcontainer.metadata="[{\"overrideCommand\":false,\"remoteUser\":\"coder\"}]"

# ---- elixir: Erlang/OTP 27 and Elixir with mix, Hex, Phoenix's generator and the PostgreSQL client
FROM tooling-root AS elixir-root
ARG SOURCE_DATE_EPOCH
ARG DEBIAN_MIRROR
ARG DEBIAN_SECURITY_MIRROR
ARG NPM_REGISTRY
ARG DOWNLOADS
ARG HEX_VERSION
ARG HEX_COMMIT
ARG HEX_URL
ARG PHOENIX_VERSION
ARG PHOENIX_COMMIT
ARG PHOENIX_URL
COPY image/recipe.sh image/variants/elixir/install.sh /tmp/hakim/
RUN --mount=type=secret,id=ca sh /tmp/hakim/install.sh
FROM elixir-root AS elixir
COPY --from=builder /out /
RUN /usr/lib/hakim/dpkg/setup && rm -f /var/lib/dpkg/*-old
ENTRYPOINT ["/usr/sbin/hakim-init"]
CMD []
STOPSIGNAL SIGTERM
ARG SOURCE=https://github.com/shekohex/hakim
ARG REVISION=unknown
ARG VERSION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="hakim-elixir" \
	org.opencontainers.image.description="Erlang/OTP 27 and Elixir with mix, Hex, Phoenix's generator and the PostgreSQL client" \
	org.opencontainers.image.source="$SOURCE" \
	org.opencontainers.image.revision="$REVISION" \
	org.opencontainers.image.version="$VERSION" \
	org.opencontainers.image.created="$CREATED" \
	org.opencontainers.image.licenses="MIT" \
	devcontainer.metadata="[{\"overrideCommand\":false,\"remoteUser\":\"coder\"}]"
# variants: end
