#!/bin/sh
# hakim-git-clone - the ExecStart= of git-clone.service: GIT_CLONE_URL into GIT_CLONE_DIR, which is never written over.
# Run as the workspace's user. docs/modules/git-clone.md
#
# Exit status: 0 there is a project; 1 it is tried again; 2 a variable is wrong
set -eu

say() {
	echo "hakim-git-clone: $1" >&2
	/usr/lib/hakim/hakim-guard --status "$1" || :
}

wrong() {
	say "$1"
	exit 2
}

url=$GIT_CLONE_URL
dir=${GIT_CLONE_DIR:-${CODER_PROJECT_DIR:-$HOME/project}}
case $url in
'') wrong "GIT_CLONE_URL is empty" ;;
-* | *[[:space:]]*) wrong "GIT_CLONE_URL is no URL of a repository" ;;
ext::* | fd::*) wrong "GIT_CLONE_URL must be a URL, not a command" ;;
esac
case $dir in
/*) ;;
*) wrong "GIT_CLONE_DIR=$dir is not an absolute path" ;;
esac
case ${GIT_CLONE_BRANCH-} in
-*) wrong "GIT_CLONE_BRANCH=$GIT_CLONE_BRANCH is no name of a branch" ;;
esac
case ${GIT_CLONE_DEPTH-} in
*[!0-9]*) wrong "GIT_CLONE_DEPTH=$GIT_CLONE_DEPTH is no number" ;;
esac

# A password in the URL goes to git by its environment, and into no argv and no configuration.
case $url in
http://*@* | https://*@*)
	rest=${url#*://}
	authority=${rest%%/*}
	case $authority in
	*@*)
		user=${authority%@*}
		url=${url%%://*}://${rest#"$user"@}
		export HAKIM_GIT_USER="${user%%:*}" HAKIM_GIT_PASSWORD="${user#*:}"
		export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=credential.helper
		# shellcheck disable=SC2016 # git's shell expands it
		export GIT_CONFIG_VALUE_0='!f() { printf "username=%s\npassword=%s\n" "$HAKIM_GIT_USER" "$HAKIM_GIT_PASSWORD"; }; f'
		;;
	esac
	;;
esac

parent=$(dirname "$dir")
part=$parent/.$(basename "$dir").hakim-clone

# A directory that is mounted there, or has lost+found, stays: then what is in the clone is moved into it.
put_in_place() {
	if ! mv -T "$part-done" "$dir" 2>/dev/null; then
		find "$part-done" -mindepth 1 -maxdepth 1 -exec mv -n -t "$dir" {} +
		rmdir "$part-done"
	fi
	say "$dir is a clone of it"
}

if [ -d "$part-done" ]; then
	put_in_place
	exit 0
fi
# lost+found is the file system's.
if [ -d "$dir" ] && [ -n "$(find "$dir" -mindepth 1 -maxdepth 1 ! -name lost+found -print -quit)" ]; then
	if [ "$(git -C "$dir" config --get remote.origin.url 2>/dev/null || :)" = "$url" ]; then
		say "$dir is a clone of it already"
	else
		say "$dir is not empty and was left as it is: it is no clone of GIT_CLONE_URL"
	fi
	exit 0
fi

# Not for ever, and never with a question that nobody answers.
export GIT_TERMINAL_PROMPT=0 GIT_HTTP_LOW_SPEED_LIMIT=1000 GIT_HTTP_LOW_SPEED_TIME=60
agent=/var/cache/hakim/coder/current/coder
ssh="ssh -o BatchMode=yes -o ConnectTimeout=30"
if [ -n "${CODER_AGENT_TOKEN-}" ] && [ -x "$agent" ]; then
	export GIT_ASKPASS="${GIT_ASKPASS:-$agent}"
	ssh="$agent gitssh --"
fi
export GIT_SSH_COMMAND="${GIT_SSH_COMMAND:-$ssh}"

# Beside its place, and there in one step: what was cut off is never taken for a project.
mkdir -p "$parent"
rm -rf "$part"
say "cloning into $dir"
set -- --quiet
[ -z "${GIT_CLONE_BRANCH-}" ] || set -- "$@" --branch "$GIT_CLONE_BRANCH"
[ -z "${GIT_CLONE_DEPTH-}" ] || set -- "$@" --depth "$GIT_CLONE_DEPTH"
words=$(git clone "$@" -- "$url" "$part" 2>&1) || {
	rm -rf "$part"
	printf '%s\n' "$words" >&2
	say "it cannot be cloned, and is tried again: $(printf '%s\n' "$words" | grep -m 1 -E '^(fatal|remote|error|ssh):' || :)"
	exit 1
}
mv -T "$part" "$part-done"
put_in_place
