#!/bin/sh
set -eu
# shellcheck disable=SC1091  # it is mounted there
. /smoke/kit.sh

tool node node --version
tool bun bun --version
tool pnpm pnpm --version
tool erlang sh -c 'cat /usr/lib/erlang/releases/*/OTP_VERSION'
tool elixir elixir --short-version
tool rebar3 rebar3 --version
tool psql psql --version
mix new a >/dev/null
cd a
mix test >/dev/null
mix compile >/dev/null
expect world mix run -e 'IO.puts(A.hello())'
left_out Hex || {
	tool hex mix hex.info
	tool phoenix mix phx.new --version
}
