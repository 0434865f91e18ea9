#!/bin/sh
# What all languages share: Node with npm, bun and pnpm, a browser, debuggers, tools for pictures and documents.
set -eu
# shellcheck disable=SC1091  # the Dockerfile copies it there
. /tmp/hakim/recipe.sh

apt_install chromium chromium-driver fonts-liberation fonts-noto-color-emoji \
	gdb strace ltrace binutils elfutils patchelf socat netcat-openbsd dnsutils mtr-tiny tcpdump traceroute \
	shellcheck shfmt just hyperfine git-delta lazygit glow \
	imagemagick webp librsvg2-bin poppler-utils qpdf ghostscript xdotool scrot xclip wmctrl sqlite3

# Before Debian's Node in the PATH; code-server keeps that.
for name in /opt/node/bin/*; do ln -s "$name" "/usr/local/bin/${name##*/}"; done
# The user's own `npm install -g` goes to the user's home.
mkdir -p /opt/node/etc
cat >/opt/node/etc/npmrc <<'TEXT'
prefix=${HOME}/.npm-global
TEXT
cat >/etc/profile.d/npm.sh <<'TEXT'
[ ! -d "$HOME/.npm-global/bin" ] || PATH=$HOME/.npm-global/bin:$PATH
TEXT

if downloads "mise $MISE_VERSION"; then
	download "$MISE_URL/v$MISE_VERSION/mise-v$MISE_VERSION-linux-$(machine x64 arm64)" \
		"$(machine "$MISE_SHA256_AMD64" "$MISE_SHA256_ARM64")" /usr/local/bin/mise
	chmod 755 /usr/local/bin/mise
fi
tidy
