# bash completion of hakimctl called as systemctl; out of the way where systemd's own is installed (dpkg/setup)

# Kinds: of which units, by their state.
_hakim_systemctl_units() {
	local user=''
	case " ${COMP_WORDS[*]} " in
	*' --user '* | *' --global '*) user=--user ;;
	esac
	# Only what can be a unit's name: a completion is typed into a command line.
	case $1 in
	files) systemctl $user list-unit-files --no-legend --no-pager 2>/dev/null ;;
	active) systemctl $user list-units --no-legend --no-pager --plain 2>/dev/null ;;
	failed) systemctl $user list-units --failed --no-legend --no-pager --plain 2>/dev/null ;;
	*)
		systemctl $user list-units --all --no-legend --no-pager --plain 2>/dev/null
		systemctl $user list-unit-files --no-legend --no-pager 2>/dev/null
		;;
	esac | sed -n 's/^\([A-Za-z0-9:_.@-]*\) .*$/\1/p' | sort -u
}

_hakim_systemctl() {
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	local command='' names='' word i

	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		case $word in
		-p | -P | -t | -s | -n | -o | --property | --type | --signal | --lines | --output | --state | --kill-whom) i=$((i + 1)) ;;
		-*) ;;
		*)
			command=$word
			break
			;;
		esac
	done
	# "--type=x" comes as three words.
	[ "$current" != = ] || current=''
	if [ "$previous" = = ] && [ "$COMP_CWORD" -ge 2 ]; then
		previous=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	case $previous in
	-t | --type) names='service socket target' ;;
	--state) names='active activating deactivating failed inactive enabled disabled masked static' ;;
	-s | --signal) names='HUP INT TERM KILL USR1 USR2' ;;
	--kill-whom) names='main control all' ;;
	-o | --output) names='json' ;;
	-n | --lines | -p | -P | --property) return ;;
	*)
		case $current in
		-*)
			names='--user --system --quiet --no-block --now --all --property= --value --type= --state= --failed --plain
				--no-legend --signal= --kill-whom= --lines= --no-pager --full --output= --reverse --after --before --wait
				--help --version'
			;;
		*)
			case $command in
			'')
				names='list-units list-sockets list-timers list-paths list-automounts list-jobs list-dependencies
					list-unit-files is-active is-failed is-enabled is-system-running status show cat start stop restart
					try-restart condrestart reload reload-or-restart force-reload try-reload-or-restart
					reload-or-try-restart kill reset-failed enable reenable disable mask unmask preset preset-all
					daemon-reload daemon-reexec get-default poweroff halt exit reboot'
				;;
			stop | try-restart | condrestart | reload | kill | try-reload-or-restart | reload-or-try-restart)
				names=$(_hakim_systemctl_units active)
				;;
			reset-failed) names=$(_hakim_systemctl_units failed) ;;
			enable | reenable | disable | mask | unmask | preset | is-enabled | list-unit-files)
				names=$(_hakim_systemctl_units files)
				;;
			start | restart | reload-or-restart | force-reload | is-active | is-failed | status | show | cat | list-dependencies | \
				list-units) names=$(_hakim_systemctl_units all) ;;
			esac
			;;
		esac
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$names" -- "$current")
	# A value is typed behind it.
	case ${COMPREPLY[*]} in
	*=) compopt -o nospace 2>/dev/null ;;
	esac
}

complete -F _hakim_systemctl systemctl
