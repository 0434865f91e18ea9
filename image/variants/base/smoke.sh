#!/bin/sh
set -eu
# shellcheck disable=SC1091  # it is mounted there
. /smoke/kit.sh

expect coder id -un
expect 1000 id -u
expect root sudo -n id -un
expect en_US.UTF-8 printenv LANG
# The programs of the modules.
tool hakim-init hakim-init --version
tool code-server sh -c "code-server --version | tail -n 1"
tool opencode opencode --version
tool docker dockerd --version
tool compose docker compose version
tool buildx docker buildx version
tool dbus dbus-daemon --version
tool sshd ssh -V
tool tmux tmux -V
[ -x /usr/bin/Xvfb ] && [ -x /usr/bin/gnome-keyring-daemon ] && [ -x /usr/sbin/sshd ]
expect /usr/bin/hakimctl readlink -f /usr/bin/systemctl
# What one lives in.
tool git git --version
tool gh gh --version
tool nvim nvim --version
tool rg rg --version
tool fd fd --version
tool fzf fzf --version
tool bat bat --version
tool eza eza --version
tool starship starship --version
tool python python3 --version
tool gcc gcc --version
printf '#include <stdio.h>\nint main(void) { puts("built"); }\n' >a.c
gcc -o a a.c
expect built ./a
