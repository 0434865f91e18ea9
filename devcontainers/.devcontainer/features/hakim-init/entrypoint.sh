# shellcheck shell=sh
# Read by the shell that a devcontainer begins with, which is PID 1 there. Its words are the image's own entrypoint and command where
# overrideCommand is false, and it becomes them at its end; else there are none, and it only waits.
#
# With words hakim-init is put in front of them, so that it becomes PID 1 after the entrypoints of other Features have run. Without, it
# goes into the background. An image that begins with hakim-init gets no second one.

# Whose the services are: the remoteUser that the Feature was built for.
CODER_USER=${CODER_USER:-@USER@}
export CODER_USER

if [ "$#" = 0 ]; then
	/usr/sbin/hakim-init </dev/null &
	hakim_init=$!
	# In place of the one that ends at once: the services are stopped first.
	trap 'kill -TERM "$hakim_init" 2>/dev/null; wait "$hakim_init"; exit 0' TERM
elif [ "${1##*/}" != hakim-init ]; then
	# A shell that nobody types into ends at once: what Debian's images have as their command would end the container.
	case $#:${1##*/} in
	1:sh | 1:bash | 1:dash | 1:zsh) [ -t 0 ] || shift ;;
	esac
	set -- /usr/sbin/hakim-init "$@"
fi
