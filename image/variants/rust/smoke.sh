#!/bin/sh
set -eu
# shellcheck disable=SC1091  # it is mounted there
. /smoke/kit.sh

tool node node --version
tool bun bun --version
tool pnpm pnpm --version
tool rustc rustc --version
tool cargo cargo --version
tool clippy cargo clippy --version
tool rustfmt rustfmt --version
tool rust-analyzer rust-analyzer --version
cargo new --quiet --vcs none a
cd a
expect 'Hello, world!' cargo run --quiet
cargo fmt --check
cargo clippy --quiet
