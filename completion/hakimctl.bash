# bash completion of hakimctl(1)

_hakimctl_units() {
	# Only what can be a unit's name: a completion is typed into a command line.
	hakimctl status --json 2>/dev/null |
		sed -n 's/^ *"name": "\([A-Za-z0-9:_.@-]*\)\.service",\{0,1\}$/\1/p'
}

_hakimctl() {
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	local command=${COMP_WORDS[1]} options='--help' names=''

	COMPREPLY=()
	if [ "$COMP_CWORD" -eq 1 ]; then
		names='status start stop restart try-restart reload-or-restart kill reset-failed wait logs doctor boot show top metrics list-dependencies cat module check security reload enable disable mask unmask reexec shutdown help version'
		mapfile -t COMPREPLY < <(compgen -W "$names --help --version" -- "$current")
		return
	fi
	case $command in
	status) options="$options --json" ;;
	start | stop | restart | try-restart | reload-or-restart) options="$options --no-block" ;;
	kill) options="$options --signal= --whom=" ;;
	wait) options="$options --all --timeout=" ;;
	logs) options="$options --all --follow --grep= --ignore-case --json --lines= --no-pager --output= --reverse --since= --until= -f -g -i -n -o -r -S -U" ;;
	list-dependencies) options="$options --reverse --all" ;;
	boot) options="$options --svg --svg= --json" ;;
	show) options="$options --property= --value --json -p" ;;
	top) options="$options --sort= --delay= --rounds= --once --json" ;;
	module) options="$options --dry-run -n" ;;
	check | security) options="$options --json" ;;
	doctor) options="$options --fix --json" ;;
	reload) options="$options --dry-run --no-restart --json --no-block" ;;
	enable | disable | mask) options="$options --now" ;;
	help) names='status start stop restart try-restart reload-or-restart kill reset-failed wait logs doctor boot show top metrics list-dependencies cat module check security reload enable disable mask unmask reexec shutdown help version' ;;
	esac
	case $current in
	-*)
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
		return
		;;
	esac
	case $command in
	logs)
		case $previous in
		-n | --lines) names='all' ;;
		-o | --output) names='short short-iso cat json' ;;
		-S | --since | -U | --until) names='today yesterday now' ;;
		-g | --grep) names='' ;;
		*) names="$(_hakimctl_units) hakim" ;;
		esac
		;;
	status | show | cat | list-dependencies | security | start | stop | restart | try-restart | reload | reload-or-restart | kill | reset-failed | \
		wait | enable | disable | mask | unmask) names=$(_hakimctl_units) ;;
	module) [ "$COMP_CWORD" -ne 2 ] || names='new' ;;
	check)
		mapfile -t COMPREPLY < <(compgen -f -X '!*.service' -- "$current"; compgen -d -- "$current")
		compopt -o filenames 2>/dev/null
		return
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$names" -- "$current")
}

complete -F _hakimctl hakimctl
