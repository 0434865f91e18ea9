#!/bin/sh
# invoke-rc.d - in place of Debian's: where hakim's supervisor runs and knows a unit of that name, this does what Debian's
# does under systemd. Else Debian's own.
# shellcheck source=dpkg/common.sh
. /usr/lib/hakim/dpkg/common.sh

original=/usr/sbin/invoke-rc.d.debian
hakim_runs || exec "$original" "$@"

quiet='' force='' query='' disclose='' native=1 id='' action=''
for word in "$@"; do
	case $word in
	--quiet) quiet=--quiet ;;
	--force) force=1 ;;
	--query) query=1 ;;
	--disclose-deny) disclose=1 ;;
	--skip-systemd-native) native='' ;;
	--try-anyway | --no-fallback) ;;
	-*) exec "$original" "$@" ;;
	*)
		if [ -z "$id" ]; then
			id=$word
		elif [ -z "$action" ]; then
			action=$word
		fi
		;;
	esac
done
unit=${id%.sh}.service
if [ -z "$action" ] || ! hakim_has_unit "$unit"; then
	exec "$original" "$@"
fi

# What is neither enabled nor active is not started by a package.
is_wanted() {
	hakim_debian_enabled "$unit" || hakim_systemctl --quiet is-enabled "$unit" >/dev/null 2>&1 ||
		hakim_systemctl --quiet is-active "$unit" || ls /etc/rc[S2345].d/S[0-9][0-9]"$id" >/dev/null 2>&1
}

verdict=104
case $action in
start | restart | try-restart) is_wanted || verdict=101 ;;
esac
if [ "$verdict" = 104 ]; then
	hakim_policy "$id" "$action"
	case $? in
	0 | 104) ;;
	101) verdict=101 ;;
	*) [ -n "$quiet" ] || echo "invoke-rc.d: policy-rc.d said neither yes nor no: going on" >&2 ;;
	esac
fi
[ -z "$force" ] || verdict=104
[ -z "$query" ] || exit "$verdict"
if [ "$verdict" = 101 ]; then
	[ "$action" != status ] || exit 4
	[ -z "$disclose" ] || exit 101
	exit 0
fi

case $action in
start | restart | try-restart | upgrade)
	# The package would call deb-systemd-invoke for it if systemd ran; here the hook behind dpkg's run does it.
	[ -n "$native" ] || exit 0
	[ "$(hakim_systemctl show -P LoadState "$unit")" != masked ] || exit 0
	# nginx's "upgrade" hands its sockets to a new program by itself; the supervisor does it in one step.
	[ "$action" != upgrade ] || action=restart
	# The unit may have come with this very package.
	hakim_systemctl daemon-reload || :
	hakim_systemctl $quiet "$action" "$unit"
	;;
stop | status) hakim_systemctl $quiet "$action" "$unit" ;;
reload) hakim_systemctl $quiet reload "$unit" ;;
force-reload) hakim_systemctl $quiet reload-or-restart "$unit" ;;
force-stop) hakim_systemctl --signal=KILL kill "$unit" ;;
*) exec "$original" "$@" ;;
esac
