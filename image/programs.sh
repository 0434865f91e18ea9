#!/bin/sh
# code-server and opencode from npm into /opt/npm. With its own scripts code-server would download from places that may not be
# reached; what is needed of them is done here. opencode-ai's script only picks one of the packages of its binary.
set -eu
# shellcheck disable=SC1091  # the Dockerfile copies it there
. /tmp/hakim/recipe.sh

mkdir -p /opt/npm
cd /opt/npm
export npm_config_nodedir=/usr npm_config_build_from_source=true
npm_run install --no-save --ignore-scripts "code-server@$CODE_SERVER_VERSION" \
	"opencode-linux-$(machine x64 arm64)@$OPENCODE_VERSION"
npm_run rebuild argon2
cd node_modules/code-server/lib/vscode
npm_run install --omit=dev --ignore-scripts
npm_run rebuild @vscode/spdlog native-watchdog node-pty

cd /opt/npm
# Maps and objects are more than half of all.
find . -name '*.map' -type f -delete
find . \( -name obj.target -o -name build-tmp-napi-v3 -o -name .deps \) -prune -exec rm -rf {} +
find . \( -name package-lock.json -o -name .package-lock.json \) -delete
chown -R 0:0 .
