#!/bin/sh
# Git's and tmux's settings of the template's parameters, each in base64 in a variable above. It runs at each start of the
# agent, so it says the same each time and leaves what a person has written.
set -u

directory=$HOME/.config/hakim
mkdir -p "$directory" || exit 1

decoded() {
	printf %s "$1" | base64 -d
}

set_git() {
	[ -z "$2" ] || git config --global "$1" "$(decoded "$2")"
}

# A file of ours is replaced as a whole.
write() {
	decoded "$2" >"$1.new" && mv -f "$1.new" "$1"
}

status=0
if command -v git >/dev/null; then
	set_git user.name "${HAKIM_GIT_NAME:-}" || status=1
	set_git user.email "${HAKIM_GIT_EMAIL:-}" || status=1
	set_git credential.helper "${HAKIM_GIT_HELPER:-}" || status=1
	if [ -n "${HAKIM_GIT_CONFIG:-}" ]; then
		write "$directory/gitconfig" "$HAKIM_GIT_CONFIG" || status=1
		git config --global --get-all include.path | grep -qxF "$directory/gitconfig" ||
			git config --global --add include.path "$directory/gitconfig" || status=1
	else
		rm -f "$directory/gitconfig"
	fi
fi

# ~/.tmux.conf is ours while it is what we wrote last.
if [ -n "${HAKIM_TMUX_CONFIG:-}" ]; then
	if [ ! -e "$HOME/.tmux.conf" ] || cmp -s "$HOME/.tmux.conf" "$directory/tmux.conf"; then
		write "$directory/tmux.conf" "$HAKIM_TMUX_CONFIG" && cp "$directory/tmux.conf" "$HOME/.tmux.conf" || status=1
	else
		echo "$HOME/.tmux.conf was changed by hand and is left as it is" >&2
	fi
fi
exit "$status"
