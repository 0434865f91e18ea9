"""What the modules start: the real programs, of Debian and of npm, as two layers for containers.

MODULES is a Debian with its packages. NPM is what npm has, built in a Debian of its own that has the
compilers and is thrown away: only /opt/npm and the links to it are kept. They are made at the same time.

Not to be had: openchamber (not on npm under its name) and etserver (not in Debian). OPENCLAW is a layer for its own
tests alone: it is 780 MB with the newer Node that it wants.
"""
from __future__ import annotations

from hosts.rootfs import CLEAN, PACKAGES, USERS, Recipe

# npm's versions; those of Debian are the suite's. The newest code-server for Debian's Node.
VERSIONS = {"code-server": "4.100.3", "opencode": "1.18.33", "openclaw": "2026.9.6", "node24": "24.21.0"}
# Two of systemd's programs and dbus-x11, so that no package wants the whole of systemd.
DEBIAN = (
    "systemd-standalone-sysusers", "systemd-standalone-tmpfiles",
    "docker.io", "docker-cli", "fuse-overlayfs", "busybox-static",
    "dbus", "dbus-x11", "gnome-keyring", "libsecret-tools",
    "xvfb", "xauth", "x11-utils",
    "openssh-server", "openssh-client",
    "nix-bin",
    "nodejs", "git", "curl",
    "chromium-headless-shell",
)
# What Debian's nix-setup-systemd does besides its units, and the name that everybody looks for.
SET_UP = (
    'chroot "$1" groupadd --system nixbld',
    'for n in 1 2 3 4; do chroot "$1" useradd --system --no-user-group --gid nixbld --groups nixbld --home-dir '
    '/var/empty --shell /usr/sbin/nologin "nixbld$n"; done',
    'ln -s ../../bin/chromium-headless-shell "$1/usr/local/bin/chromium"',
)
BUILD = ("ca-certificates", "nodejs", "npm", "g++", "make", "python3", "libnode-dev")
# The machine's way to the registry: its resolver, its certificates, and the lines of its npmrc that are no secrets.
THE_WAY = (
    'cp -L /etc/resolv.conf /etc/hosts "$1/etc/"',
    'if [ -e /etc/ssl/certs/ca-certificates.crt ]; then '
    'cp -L /etc/ssl/certs/ca-certificates.crt "$1/etc/ssl/certs/"; fi',
    'grep -hsE "^(@[^:]*:)?(registry|proxy|https-proxy|noproxy|strict-ssl) *=" '
    '"${NPM_CONFIG_USERCONFIG:-$HOME/.npmrc}" /etc/npmrc >"$1/etc/npmrc.machine" || :',
)
# With its own scripts code-server downloads from places that may not be reached. What opencode-ai's script would do is
# to pick one of the packages of its binary. The maps and objects are more than half of all.
MAKE_PROGRAMS = f"""
mkdir -p /opt/npm /usr/local/bin
cd /opt/npm
case $(uname -m) in aarch64) machine=arm64 ;; *) machine=x64 ;; esac
npm install --no-save --ignore-scripts code-server@{VERSIONS["code-server"]} \
    opencode-linux-$machine@{VERSIONS["opencode"]}
npm rebuild argon2
cd node_modules/code-server/lib/vscode
npm install --omit=dev --ignore-scripts
npm rebuild @vscode/spdlog native-watchdog node-pty
cd /opt/npm
find . -name "*.map" -type f -delete
find . \\( -name obj.target -o -name build-tmp-napi-v3 \\) -prune -exec rm -rf {{}} +
ln -s ../../../opt/npm/node_modules/.bin/code-server /usr/local/bin/code-server
ln -s ../../../opt/npm/node_modules/opencode-linux-$machine/bin/opencode /usr/local/bin/opencode
"""
# It brings a Node of its own: Debian's is too old for it.
MAKE_OPENCLAW = f"""
mkdir -p /opt/openclaw /usr/local/bin
cd /opt/openclaw
case $(uname -m) in aarch64) machine=arm64 ;; *) machine=x64 ;; esac
npm install --no-save --ignore-scripts openclaw@{VERSIONS["openclaw"]} \
    node-linux-$machine@{VERSIONS["node24"]}
find . -name "*.map" -type f -delete
printf "%s\\n" "#!/bin/sh" \
    "at=/opt/openclaw/node_modules" "exec \\$at/node-linux-$machine/bin/node \\$at/openclaw/openclaw.mjs \\"\\$@\\"" \
    >/usr/local/bin/openclaw
chmod 755 /usr/local/bin/openclaw
openclaw --version
chown -R 0:0 .
"""
IN_THE_TREE = (
    'chroot "$1" env HOME=/root NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt '
    'npm_config_userconfig=/etc/npmrc.machine npm_config_cache=/tmp/npm npm_config_nodedir=/usr '
    'npm_config_build_from_source=true npm_config_audit=false npm_config_fund=false '
    'npm_config_update_notifier=false npm_config_loglevel=error '
)
MODULES = Recipe((*PACKAGES, *DEBIAN), (*USERS, *SET_UP, *CLEAN))
NPM = Recipe(BUILD, (*THE_WAY, f"{IN_THE_TREE} sh -euc '{MAKE_PROGRAMS}'"), ("opt/npm", "usr/local/bin"))
OPENCLAW = Recipe(("ca-certificates", "nodejs", "npm"), (*THE_WAY, f"{IN_THE_TREE} sh -euc '{MAKE_OPENCLAW}'"),
                  ("opt/openclaw", "usr/local/bin"))
