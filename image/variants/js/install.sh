#!/bin/sh
# Node, bun and pnpm are in tooling. TypeScript and what an editor wants of it.
set -eu
# shellcheck disable=SC1091  # the Dockerfile copies it there
. /tmp/hakim/recipe.sh

npm_run install --global --prefix /opt/node --ignore-scripts "typescript@$TYPESCRIPT_VERSION"
for name in tsc tsserver; do ln -s "/opt/node/bin/$name" "/usr/local/bin/$name"; done
tidy
