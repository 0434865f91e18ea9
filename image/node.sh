#!/bin/sh
# Node as npm's package has it, with npm, bun and pnpm, into /opt/node: bin and lib as `npm install --global` wants them.
set -eu
# shellcheck disable=SC1091  # the Dockerfile copies it there
. /tmp/hakim/recipe.sh

mkdir -p /opt/node/bin /tmp/hakim/get
cd /tmp/hakim/get
npm_run install --no-save --ignore-scripts "node-linux-$(machine x64 arm64)@$NODE_VERSION" \
	"@oven/bun-linux-$(machine x64 aarch64)@$BUN_VERSION"
install -m 0755 "node_modules/node-linux-$(machine x64 arm64)/bin/node" /opt/node/bin/node
install -m 0755 "node_modules/@oven/bun-linux-$(machine x64 aarch64)/bin/bun" /opt/node/bin/bun
ln -s bun /opt/node/bin/bunx
npm_run install --global --prefix /opt/node --ignore-scripts "npm@$NPM_VERSION" "pnpm@$PNPM_VERSION"
find /opt/node -name .package-lock.json -delete
chown -R 0:0 /opt/node
