#!/bin/sh
set -eu
# shellcheck disable=SC1091  # it is mounted there
. /smoke/kit.sh

tool node node --version
tool bun bun --version
tool pnpm pnpm --version
tool typescript tsc --version
echo 'const n: number = 41; console.log(n + 1);' >a.ts
tsc a.ts
expect 42 node a.js
expect 42 bun a.ts
