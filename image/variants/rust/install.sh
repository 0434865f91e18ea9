#!/bin/sh
# Debian's Rust. Who wants another toolchain installs rustup, which is in Debian, too, in the place of these.
set -eu
# shellcheck disable=SC1091  # the Dockerfile copies it there
. /tmp/hakim/recipe.sh

apt_install rustc cargo rust-clippy rustfmt rust-analyzer rust-src rust-gdb lldb libssl-dev
tidy
