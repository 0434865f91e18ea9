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

# %41 is A.
decode() {
	left=$1
	while :; do
		case $left in
		*%[0-9A-Fa-f][0-9A-Fa-f]*) ;;
		*) break ;;
		esac
		before=${left%%%[0-9A-Fa-f][0-9A-Fa-f]*}
		left=${left#"$before"%}
		# shellcheck disable=SC2059 # an octal escape
		printf "%s\\$(printf %03o "0x${left%"${left#??}"}")" "$before"
		left=${left#??}
	done
	printf %s "$left"
}

# A password in the URL goes to git by its environment, and into no argv and no configuration. It is that host's only:
# git asks for a redirection's, too. A name alone stays, and git asks GIT_ASKPASS for the password.
case $url in
http://*@* | https://*@*)
	rest=${url#*://}
	authority=${rest%%[/?#]*}
	user=${authority%@*}
	case $authority in
	*:*@*) ;;
	*) user= ;;
	esac
	case $user in
	*%0[0aAdD]*) wrong "the name or the password in GIT_CLONE_URL has a line break in it" ;;
	*:*)
		n=${GIT_CONFIG_COUNT:-0}
		case $n in
		*[!0-9]* | 0?*) wrong "GIT_CONFIG_COUNT=$n is no number" ;;
		esac
		url=${url%%://*}://${rest#"$user"@}
		HAKIM_GIT_USER=$(decode "${user%%:*}")
		HAKIM_GIT_PASSWORD=$(decode "${user#*:}")
		export HAKIM_GIT_USER HAKIM_GIT_PASSWORD
		export GIT_CONFIG_COUNT=$((n + 1)) "GIT_CONFIG_KEY_$n=credential.${url%%://*}://${authority##*@}.helper"
		# shellcheck disable=SC2016 # git's shell expands it
		export "GIT_CONFIG_VALUE_$n="'!f() { printf "username=%s\npassword=%s\n" "$HAKIM_GIT_USER" "$HAKIM_GIT_PASSWORD"; }; f'
		;;
	esac
	;;
esac

again() {
	say "$1"
	exit 1
}

# With the slash: the directory that a link leads to. lost+found is the file system's.
has_content() {
	[ -n "$(find "$dir/" -mindepth 1 -maxdepth 1 ! -name lost+found ! -name .hakim-clone ! -name .hakim-clone-done -print -quit)" ]
}

leave_as_it_is() {
	rm -rf "$dir/.hakim-clone" || :
	if [ "$(git -C "$dir" config --get remote.origin.url 2>/dev/null || :)" = "$url" ]; then
		say "$dir is a clone of it already"
	else
		say "$dir is not empty and was left as it is: it is no clone of GIT_CLONE_URL"
	fi
	exit 0
}

# Each a rename in one file system, and nothing is written over; .git comes last, so that it is a project when it is whole.
move_up() {
	find "$dir/.hakim-clone-done" -mindepth 1 -maxdepth 1 ! -name .git -exec mv -n -t "$dir/" {} + || :
	rest=$(find "$dir/.hakim-clone-done" -mindepth 1 -maxdepth 1 ! -name .git -print -quit)
	[ -z "$rest" ] || again "$dir/${rest##*/} is in the way of the clone's: move it away"
	[ ! -e "$dir/.hakim-clone-done/.git" ] || mv -n -t "$dir/" "$dir/.hakim-clone-done/.git" || :
	rmdir "$dir/.hakim-clone-done" || again "$dir/.git is in the way of the clone's: move it away"
	say "$dir is a clone of it"
	exit 0
}

me=$(id -un)
parent=$(dirname "$dir")
beside=$parent/.$(basename "$dir").hakim-clone
# Where the directory is, only in it can a clone be put with a rename: it may be a mount, or its parent root's.
if [ -d "$dir" ]; then
	if ! [ -r "$dir" ] || ! [ -x "$dir" ]; then
		again "$dir cannot be read by $me: give it to $me"
	fi
	# Of a life in which the directory was not there.
	rm -rf "$beside" || :
	[ ! -d "$dir/.hakim-clone-done" ] || move_up
	! has_content || leave_as_it_is
	[ -w "$dir" ] || again "$dir cannot be written by $me: give it to $me"
	part=$dir/.hakim-clone
else
	if [ -e "$dir" ] || [ -h "$dir" ]; then
		again "$dir is no directory: move it away, or set GIT_CLONE_DIR"
	fi
	mkdir -p "$parent" || again "$parent cannot be made by $me: make $dir, and give it to $me"
	[ -w "$parent" ] || again "$dir cannot be made by $me: make it, and give it to $me"
	part=$beside
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

# Under another name, and in its place when it is whole: what was cut off is never taken for a project.
rm -rf "$part"
say "cloning into $dir"
set -- --quiet
[ -z "${GIT_CLONE_BRANCH-}" ] || set -- "$@" --branch "$GIT_CLONE_BRANCH"
[ -z "${GIT_CLONE_DEPTH-}" ] || set -- "$@" --depth "$GIT_CLONE_DEPTH"
words=$(git clone "$@" -- "$url" "$part" 2>&1) || {
	rm -rf "$part"
	printf '%s\n' "$words" >&2
	again "it cannot be cloned, and is tried again: $(printf '%s\n' "$words" | grep -m 1 -E '^(fatal|remote|error|ssh):' || :)"
}
# It took a while: somebody may have put something there meanwhile.
if [ "$part" != "$dir/.hakim-clone" ]; then
	mv -T "$part" "$dir" || again "$dir is there meanwhile: it is looked at again"
	say "$dir is a clone of it"
	exit 0
fi
! has_content || leave_as_it_is
mv -T "$part" "$part-done"
move_up
