# bash completion for hakim(1). The options are those that hakim itself lists.

_hakim()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words

	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		words=$(hakim help 2>/dev/null | sed -n 's/^  \([a-z]*\) .*/\1/p')
	else
		case $prev in
		--via) words='auto direct pvesh api upload' ;;
		# variants: begin (scripts/variants)
		-v | --variant | --variants) words='base php dotnet js rust elixir' ;;
		# variants: end
		--tls-verify) words='true false' ;;
		--state-file | --authfile | --cacert | --api-cacert | --api-token-file | --output)
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
			return
			;;
		*)
			words=$(hakim "${COMP_WORDS[1]}" --help 2>/dev/null | sed -n 's/^  ....\(--[a-z-]*\).*/\1/p')
			;;
		esac
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -F _hakim hakim
