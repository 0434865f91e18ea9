#!/bin/sh
# Erlang and Elixir of Debian; Hex and Phoenix's generator from their own places, built here from the pinned commits.
set -eu
# shellcheck disable=SC1091  # the Dockerfile copies it there
. /tmp/hakim/recipe.sh

apt_install erlang-base erlang-asn1 erlang-common-test erlang-crypto erlang-debugger erlang-dev erlang-dialyzer erlang-edoc \
	erlang-eunit erlang-ftp erlang-inets erlang-mnesia erlang-nox erlang-os-mon erlang-parsetools erlang-public-key \
	erlang-runtime-tools erlang-src erlang-ssh erlang-ssl erlang-syntax-tools erlang-tools erlang-xmerl elixir rebar3 \
	inotify-tools postgresql-client

# In /etc/skel, since a home of its own hides the image's: the home module fills a new home from there.
export MIX_HOME=/etc/skel/.mix HEX_HOME=/tmp/hakim/hex-home
archive() {
	cd "$1"
	MIX_ENV=prod mix archive.build -o "/tmp/hakim/$2.ez"
	mix archive.install --force "/tmp/hakim/$2.ez"
	cd /
}
if downloads "Hex $HEX_VERSION and Phoenix's generator $PHOENIX_VERSION"; then
	git_checkout "$HEX_URL" "$HEX_COMMIT" /tmp/hakim/hex
	archive /tmp/hakim/hex "hex-$HEX_VERSION"
	# Its build wants to find Hex.
	git_checkout "$PHOENIX_URL" "$PHOENIX_COMMIT" /tmp/hakim/phoenix
	archive /tmp/hakim/phoenix/installer "phx_new-$PHOENIX_VERSION"
	cp -a /etc/skel/.mix /home/coder/
	chown -R coder:coder /home/coder/.mix
fi
tidy
