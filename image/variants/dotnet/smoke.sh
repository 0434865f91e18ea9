#!/bin/sh
set -eu
# shellcheck disable=SC1091  # it is mounted there
. /smoke/kit.sh

tool node node --version
tool bun bun --version
tool pnpm pnpm --version
left_out '.NET SDK' || {
	tool dotnet dotnet --version
	expect /usr/share/dotnet printenv DOTNET_ROOT
}
