#!/bin/sh
# hakim-tmux - the commands of tmux.service. Run as the workspace's user. docs/modules/tmux.md
#
#   serve     the server, in the foreground
#   sessions  waits for it, and makes the sessions of TMUX_SESSIONS that are not there
set -eu

say() {
	echo "hakim-tmux: $1" >&2
}

# A variable of the agent's sessions reaches a new window when somebody attaches from one.
agent_variables="CODER CODER_AGENT_TOKEN CODER_AGENT_URL CODER_WORKSPACE_NAME CODER_WORKSPACE_OWNER_NAME GIT_ASKPASS \
GIT_SSH_COMMAND GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL"

sessions() {
	dir=$PWD
	# It listens a moment after its execve. The unit's TimeoutStartSec= ends this.
	until tmux show-options -g >/dev/null 2>&1; do sleep 0.02; done
	tmux set-option -ga update-environment " $agent_variables"
	printf '%s\n' "$TMUX_SESSIONS" | tr ',' '\n' | while read -r name; do
		case $name in
		'') continue ;;
		*[!A-Za-z0-9_@%+-]*)
			say "TMUX_SESSIONS: \"$name\" is no name of a session: letters, digits, _ and - are"
			continue
			;;
		esac
		tmux has-session -t "=$name" 2>/dev/null || tmux new-session -d -s "$name" -c "$dir" </dev/null
	done
}

case ${1-} in
serve)
	# -D: in the foreground, and without a session it stays.
	exec tmux -D
	;;
sessions) sessions ;;
*)
	echo "Usage: hakim-tmux serve | sessions" >&2
	exit 2
	;;
esac
