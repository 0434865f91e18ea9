#!/bin/sh
# Debian with the programs that the modules start, the coder user, and a command line to live in.
set -eu
# shellcheck disable=SC1091  # the Dockerfile copies it there
. /tmp/hakim/recipe.sh

# What hakim's programs link, then each module's; two of systemd's programs, so that no package wants all of systemd.
apt_install ca-certificates libcurl4t64 libssl3t64 libjansson4 libzstd1 libinih1 libseccomp2 libcap2 \
	systemd-standalone-sysusers systemd-standalone-tmpfiles \
	docker.io docker-cli docker-compose docker-buildx fuse-overlayfs iptables uidmap \
	dbus dbus-x11 gnome-keyring libsecret-1-0 libsecret-tools pinentry-curses pass \
	xvfb xauth x11-utils openssh-server openssh-client nodejs tmux git git-lfs \
	sudo bash-completion locales tzdata procps psmisc lsof iproute2 iputils-ping net-tools file less htop btop \
	curl wget jq unzip zip xz-utils zstd rsync gnupg age gawk build-essential pkg-config python3 python3-venv python3-pip \
	neovim ripgrep fd-find fzf bat eza zoxide direnv starship gh

sed -i 's/^# *\(en_US.UTF-8 UTF-8\)/\1/' /etc/locale.gen
locale-gen >/dev/null

groupadd --gid 1000 coder
useradd --create-home --uid 1000 --gid 1000 --shell /bin/bash --groups docker,sudo coder
echo 'coder ALL=(ALL) NOPASSWD:ALL' >/etc/sudoers.d/coder
chmod 0440 /etc/sudoers.d/coder

# Names that people know these by.
ln -s fdfind /usr/bin/fd
ln -s batcat /usr/bin/bat
# Debian's own Node, whatever a variant puts before it into the PATH: code-server's native parts are built for it.
printf '%s\n' '#!/bin/sh' 'exec /usr/bin/node /opt/npm/node_modules/code-server/out/node/entry.js "$@"' \
	>/usr/local/bin/code-server
chmod 755 /usr/local/bin/code-server
ln -s "../../../opt/npm/node_modules/opencode-linux-$(machine x64 arm64)/bin/opencode" /usr/local/bin/opencode

# Made anew at the first boot of each container: keys and ids that all containers share are none.
rm -f /etc/ssh/ssh_host_*
: >/etc/machine-id
rm -f /var/lib/dbus/machine-id
tidy
