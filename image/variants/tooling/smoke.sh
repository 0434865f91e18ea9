#!/bin/sh
set -eu
# shellcheck disable=SC1091  # it is mounted there
. /smoke/kit.sh

tool node node --version
tool npm npm --version
tool bun bun --version
tool pnpm pnpm --version
tool chromium chromium --version
tool chromedriver chromedriver --version
tool gdb gdb --version
tool strace strace --version
tool shellcheck shellcheck --version
tool just just --version
tool convert convert --version
expect ok node -e 'console.log("ok")'
expect ok bun -e 'console.log("ok")'
# code-server keeps Debian's Node, whatever comes first in the PATH.
tool code-server sh -c "code-server --version | tail -n 1"
left_out mise || tool mise mise --version
