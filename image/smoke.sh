# smoke.sh - what the smoke.sh of every variant can call; they run in the image as the coder user, without a network. POSIX sh:
# `. /smoke/kit.sh`. Lines "version: NAME VERSION" are for the README's table.
# shellcheck shell=sh
set -eu
cd "$(mktemp -d)"

# tool NAME COMMAND…: the first version number that it says.
tool() {
	name=$1
	shift
	said=$("$@" 2>&1) || {
		echo "smoke: $* failed: $said" >&2
		return 1
	}
	number=$(echo "$said" | grep -oE '[0-9]+(\.[0-9]+)+' | head -n 1) || {
		echo "smoke: $* says no version: $said" >&2
		return 1
	}
	echo "version: $name $number"
}

# expect TEXT COMMAND…: what it prints is exactly this; what it complains about is only shown.
expect() {
	want=$1
	shift
	said=$("$@") || {
		echo "smoke: $* failed: $said" >&2
		return 1
	}
	[ "$said" = "$want" ] || {
		echo "smoke: $* says \"$said\" where \"$want\" was to come" >&2
		return 1
	}
}

# Whether the image was built without what neither Debian nor npm has; $1 is the beginning of how it is called there.
left_out() {
	line=$(grep "^$1" /usr/share/hakim/image/left-out 2>/dev/null) || return 1
	echo "left out: $line"
}
