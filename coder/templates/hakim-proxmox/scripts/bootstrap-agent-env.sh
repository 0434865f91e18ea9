#!/usr/bin/env bash
# Gives a container its agent's bootstrap and environment, and mounts its home, by the API of Proxmox; bash and curl only.
#
# It looks, does what is missing, and looks again, until nothing is. So it may be killed anywhere and run again, and two may
# run at once. Every change is one PUT of all that belongs together, refused by Proxmox where the configuration is no longer
# the one that was looked at (digest). A running container keeps its environment until it is started anew, so it is shut
# down, by its own init and for as long as TASK_TIMEOUT_SEC; it is never killed. While that goes on it has the tag
# hakim-restart: whoever finds a stopped container with it starts it. Nothing secret is in an argument or a file.
set -uo pipefail
export LC_ALL=C

usage() {
	cat <<'END'
bootstrap-agent-env.sh: no arguments; all is in the environment.
  PVE_ENDPOINT          https://HOST:8006
  PVE_NODE_NAME         the container's node
  PVE_VM_ID             its number
  PVE_API_TOKEN         user@realm!tokenid=secret, or
  PVE_USERNAME, PVE_PASSWORD  of root@pam, whom alone Proxmox lets set bind mounts and hookscripts
  PVE_INSECURE          true: take any certificate (default: false)
  PVE_HOME_SOURCE       a volume or path for /home/coder
  PVE_DOCKER_SOURCE     the same for PVE_DOCKER_TARGET (default: /var/lib/docker)
  PVE_NIX_SOURCE        the same for /nix
  PVE_HOOKSCRIPT_ID     the volume of the hookscript that makes the home's directory
  CT_AGENT_BOOTSTRAP    base64 of URL|TOKEN
  CT_RUNTIME_ENV_B64    NAME=BASE64,NAME=BASE64,...
  CT_RUNTIME_ENV_SHA    becomes CODER_RUNTIME_ENV_SHA in the container
  TASK_TIMEOUT_SEC      for a task of Proxmox, the shutdown too (default: 180)
  TASK_POLL_SEC         between two looks at a task (default: 1)
END
}

say() { printf 'bootstrap-agent-env: %s\n' "${*//[^[:print:]]/ }" >&2; }
die() {
	say "$@"
	exit 1
}

# Into REPLY. This and json_string() walk from one odd character to the next, in pieces: each step of bash goes over all of a
# string, and an environment may have 100 KiB.
url_encode() {
	local rest run hex at
	REPLY=
	for ((at = 0; at < ${#1}; at += 256)); do
		rest=${1:at:256}
		while [[ -n $rest ]]; do
			run=${rest%%[!A-Za-z0-9._~-]*}
			REPLY+=$run
			rest=${rest:${#run}}
			[[ -n $rest ]] || break
			printf -v hex '%%%02X' "'${rest:0:1}"
			REPLY+=$hex
			rest=${rest:1}
		done
	done
}

# A \uXXXX as UTF-8 into `char`. NUL separates the variables of an environment; here a line feed does, which none may hold.
json_character() {
	local n=$((16#$1)) octal
	if ((n == 0)); then
		char=$'\n'
		return
	elif ((n < 0x80)); then
		printf -v octal '\\%03o' "$n"
	elif ((n < 0x800)); then
		printf -v octal '\\%03o\\%03o' $((0xc0 | n >> 6)) $((0x80 | n & 0x3f))
	else
		printf -v octal '\\%03o\\%03o\\%03o' $((0xe0 | n >> 12)) $((0x80 | n >> 6 & 0x3f)) $((0x80 | n & 0x3f))
	fi
	printf -v char '%b' "$octal"
}

# The string that "KEY": has in a JSON text, into REPLY; 1 when there is none. A quote in a string has a backslash before
# it, so "KEY":" is never a part of one.
json_string() {
	local text=$1 mark rest='' run char at
	REPLY=
	for mark in "\"$2\":\"" "\"$2\": \""; do
		run=${text%%"$mark"*}
		[[ ${#run} -eq ${#text} ]] || break
	done
	[[ ${#run} -lt ${#text} ]] || return 1
	at=$((${#run} + ${#mark}))
	while :; do
		run=${rest%%[\"\\]*}
		REPLY+=$run
		rest=${rest:${#run}}
		# The longest escape is six characters.
		if [[ ${#rest} -lt 6 && $at -lt ${#text} ]]; then
			rest+=${text:at:256}
			((at += 256))
		fi
		case ${rest:0:2} in
		'') return 1 ;;
		'"'*) return 0 ;;
		[!\\]*) continue ;;
		'\u')
			[[ ${rest:2:4} =~ ^[0-9a-fA-F]{4}$ ]] || return 1
			json_character "${rest:2:4}"
			REPLY+=$char
			rest=${rest:6}
			continue
			;;
		'\t') REPLY+=$'\t' ;;
		'\n' | '\r' | '\b' | '\f') REPLY+=' ' ;;
		*) REPLY+=${rest:1:1} ;;
		esac
		rest=${rest:2}
	done
}

# --- The API -----------------------------------------------------------------------------------------------------------

session=
csrf=

# A value in a file of curl's options.
quoted() {
	local value=${1//\\/\\\\}
	REPLY="\"${value//\"/\\\"}\""
}

# curl's options of this call. They and the body go through pipes, by builtins: neither is ever in an argument or a file.
curl_options() {
	quoted "$PVE_ENDPOINT/api2/json$2"
	printf '%s\n' "url = $REPLY" "request = \"$1\"" silent show-error include http1.1 suppress-connect-headers \
		'connect-timeout = 10' 'max-time = 60' 'header = "Expect:"'
	[[ $PVE_INSECURE != true && $PVE_INSECURE != 1 ]] || printf 'insecure\n'
	if [[ -n $session ]]; then
		quoted "Cookie: PVEAuthCookie=$session"
		printf '%s\n' "header = $REPLY" "header = \"CSRFPreventionToken: $csrf\""
	elif [[ -n $PVE_API_TOKEN && $2 != /access/ticket ]]; then
		quoted "Authorization: PVEAPIToken=$PVE_API_TOKEN"
		printf 'header = %s\n' "$REPLY"
	fi
}

# One call: the answer in STATUS (000 where there was none), BODY, and WHY, what Proxmox says is wrong.
call_once() {
	local answer head failure=0
	if [[ $1 == GET ]]; then
		answer=$(curl -q -K <(curl_options "$1" "$2") 2>&1) || failure=$?
	else
		answer=$(curl -q -K <(curl_options "$1" "$2") --data-binary @<(printf '%s' "$3") 2>&1) || failure=$?
	fi
	STATUS=000 BODY='' WHY=$answer
	[[ $failure -eq 0 ]] || return 1
	head=${answer%%$'\r\n\r\n'*}
	BODY=${answer:${#head}+4}
	[[ $head =~ ^HTTP/[0-9.]+\ ([0-9]{3})\ ?([^$'\r']*) ]] || return 1
	STATUS=${BASH_REMATCH[1]} WHY=${BASH_REMATCH[2]}
	[[ $STATUS != 2* ]] || return 0
	# The reason says most; `message` the same, or all of it; `errors` which parameter.
	! json_string "$BODY" message || [[ -z $REPLY || $WHY == "${REPLY% }" ]] || WHY+=" ${REPLY% }"
	[[ ! $BODY =~ \"errors\":(\{[^\}]*\}) ]] || WHY+=" ${BASH_REMATCH[1]}"
	return 1
}

# Logs in as a user with a password; a session lasts two hours.
log_in() {
	local body
	session='' csrf=''
	url_encode "$PVE_USERNAME"
	body="username=$REPLY"
	url_encode "$PVE_PASSWORD"
	body+="&password=$REPLY"
	call_once POST /access/ticket "$body" ||
		die "Proxmox does not let $PVE_USERNAME in ($STATUS $WHY); check the endpoint, proxmox_username and proxmox_password"
	if [[ $BODY == *'"NeedTFA":1'* || $BODY == *'PVE:!tfa!'* ]]; then
		die "$PVE_USERNAME has two-factor authentication, which a program cannot do; use a token and no home, or a root@pam without it"
	fi
	json_string "$BODY" CSRFPreventionToken && csrf=$REPLY
	json_string "$BODY" ticket && session=$REPLY
	[[ $csrf =~ ^[A-Za-z0-9:+/=]+$ && $session =~ ^[[:graph:]]+$ ]] || die "$PVE_ENDPOINT answers a login without a ticket: is that Proxmox?"
}

# call METHOD PATH [BODY]. What only looks is tried again; a session that is over is renewed, as a call without one does nothing.
call() {
	local tries=0 renewed=0
	[[ -z $PVE_PASSWORD || -n $session ]] || log_in
	until call_once "$1" "$2" "${3-}"; do
		if [[ $STATUS == 401 && -n $PVE_PASSWORD && $renewed -eq 0 ]]; then
			renewed=1
			log_in
		elif [[ $1 == GET && $tries -lt 3 && ($STATUS == 000 || $STATUS == 502 || $STATUS == 503 || $STATUS == 59?) ]]; then
			((++tries))
			sleep "$TASK_POLL_SEC"
		else
			return 1
		fi
	done
}
must() { call "$@" || die "Proxmox: $1 $2: $STATUS $WHY"; }

# --- Tasks -------------------------------------------------------------------------------------------------------------

task_log() {
	local rest line=0 why=$WHY
	call GET "/nodes/$1/tasks/$2/log?limit=50" || return 0
	rest=$BODY
	while [[ $rest == *'"t":"'* && $line -lt 50 ]]; do
		json_string "$rest" t && say "  $REPLY"
		rest=${rest#*'"t":"'}
		((++line))
	done
	WHY=$why
}

# Waits for the task whose UPID an answer holds. 1 when it failed, with its own words in WHY; it is dead only if Proxmox says so.
wait_task() {
	local upid node path deadline=$((SECONDS + TASK_TIMEOUT_SEC + 30))
	json_string "$BODY" data || die "Proxmox answers without a task: $BODY"
	upid=$REPLY
	[[ $upid =~ ^UPID:([A-Za-z0-9.-]+): ]] || die "Proxmox answers with a strange task: $upid"
	node=${BASH_REMATCH[1]}
	url_encode "$upid"
	path=$REPLY
	while :; do
		must GET "/nodes/$node/tasks/$path/status"
		json_string "$BODY" status
		if [[ $REPLY == stopped ]]; then
			json_string "$BODY" exitstatus && WHY=$REPLY || WHY='it ended without saying how'
			[[ $WHY != OK && $WHY != WARNINGS:* ]] || return 0
			task_log "$node" "$path"
			return 1
		fi
		WHY="it is not done after $((TASK_TIMEOUT_SEC + 30)) s"
		[[ $SECONDS -lt $deadline ]] || return 1
		sleep "$TASK_POLL_SEC"
	done
}

# --- What is wanted ----------------------------------------------------------------------------------------------------

declare -A wanted=()
names=() # in order

# What Proxmox would refuse, or keep otherwise than it was given: its configuration is lines, stripped at their end.
refused=$'[\001-\010\012-\037\177]|[ \t]$'
proxmox_keeps() { [[ $1 =~ ^[A-Za-z0-9_]+$ && ! $2 =~ $refused ]]; }

want() {
	[[ -v wanted[$1] ]] || names+=("$1")
	wanted[$1]=$2
}

read_wanted() {
	local pairs pair name value
	IFS=, read -r -d '' -a pairs <<<"$CT_RUNTIME_ENV_B64" || :
	for pair in "${pairs[@]}"; do
		pair=${pair//[$' \n']/}
		name=${pair%%=*}
		[[ -n $name ]] || continue
		# A NUL cannot be in a variable of bash: as a \001 it is refused.
		value=$(printf '%s' "${pair#*=}" | base64 -d 2>/dev/null | tr '\000' '\001' && printf x) ||
			die "CT_RUNTIME_ENV_B64: $name is no base64"
		value=${value%x}
		case $name in
		CODER_AGENT_BOOTSTRAP | CODER_RUNTIME_ENV_SHA | HAKIM_ENV_NAMES) say "warning: $name is set by this script and left out" ;;
		*)
			if proxmox_keeps "$name" "$value"; then
				want "$name" "$value"
			else
				say "warning: Proxmox cannot hold $name (a name of other characters than letters, digits and _, or a value of" \
					"several lines or with blanks at its end): only sessions get it, by coder_agent.env"
			fi
			;;
		esac
	done
	want CODER_AGENT_BOOTSTRAP "$CT_AGENT_BOOTSTRAP"
	[[ -z $CT_RUNTIME_ENV_SHA ]] || want CODER_RUNTIME_ENV_SHA "$CT_RUNTIME_ENV_SHA"
	# So that the next run can tell what the image has set from what we have, and no longer do.
	want HAKIM_ENV_NAMES "${names[*]}"
}

# The environment that is to be, out of the one that is, one a line: ours in the place of what was ours. A PUT replaces all,
# and what is there at first is the image's own ENV (pve-container, PVE/LXC/Create.pm): its PATH must not get lost.
merge() {
	local line name old='' merged=()
	[[ $'\n'$1 != *$'\nHAKIM_ENV_NAMES='* ]] || old=${1##*HAKIM_ENV_NAMES=} old=" ${old%%$'\n'*} "
	while IFS= read -r line; do
		name=${line%%=*}
		[[ $name =~ ^[A-Za-z0-9_]+$ ]] || continue
		[[ -v wanted[$name] || $old == *" $name "* ]] || merged+=("$line")
	done <<<"$1"
	for name in "${names[@]}"; do
		merged+=("$name=${wanted[$name]}")
	done
	local IFS=$'\n'
	REPLY="${merged[*]}"
}

# --- The container -----------------------------------------------------------------------------------------------------

restart_tag=hakim-restart

# What is there: PENDING is the configuration as it will be at the next start, ENV_NOW what a running container has.
look() {
	must GET "$container/config?current=1"
	json_string "$BODY" env && env_now=$REPLY || env_now=''
	must GET "$container/config"
	pending=$BODY
	json_string "$pending" env && env_next=$REPLY || env_next=''
	json_string "$pending" digest && digest=$REPLY || digest=''
	json_string "$pending" tags && tags=$REPLY || tags=''
	must GET "$container/status/current"
	json_string "$BODY" status || die "Proxmox does not say whether container $PVE_VM_ID runs: $BODY"
	state=$REPLY
	merge "$env_next"
	env_wanted=$REPLY
	[[ ";${tags//[, ]/;};" != *";$restart_tag;"* ]] && tagged=0 || tagged=1
	want_mounts
}

# All mpN of the configuration, into `mps`.
find_mounts() {
	local rest=$pending key run
	mps=()
	while [[ $rest =~ \"(mp[0-9]+)\":\" ]]; do
		key=${BASH_REMATCH[1]}
		run=${rest%%"\"$key\":\""*}
		rest=${rest:${#run}}
		json_string "$rest" "$key"
		mps[${key#mp}]=$REPLY
		rest=${rest:${#key}+4}
	done
}

# The parameters of what is not mounted yet, into `mounts`.
want_mounts() {
	local target source i found
	mounts=''
	find_mounts
	for target in /home/coder "$PVE_DOCKER_TARGET" /nix; do
		case $target in
		/home/coder) source=$PVE_HOME_SOURCE ;;
		/nix) source=$PVE_NIX_SOURCE ;;
		*) source=$PVE_DOCKER_SOURCE ;;
		esac
		[[ -n $source ]] || continue
		found=''
		for i in "${!mps[@]}"; do
			[[ ,${mps[i]}, != *",mp=$target,"* ]] || found=$i
		done
		if [[ -n $found ]]; then
			# A volume that is taken off becomes "unused", and is destroyed with the container.
			[[ ${mps[found]%%,*} == "$source" ]] ||
				die "mp$found of container $PVE_VM_ID mounts ${mps[found]%%,*} at $target, and not $source; nothing was changed:" \
					'detach it, or rebuild the workspace'
			continue
		fi
		for ((i = 0; i < 256; i++)); do
			[[ -v mps[i] ]] || break
		done
		mps[i]="$source,mp=$target"
		# A path is never in a backup.
		[[ $source == /* ]] || mps[i]+=,backup=1
		url_encode "${mps[i]}"
		mounts+="&mp$i=$REPLY"
	done
	if [[ -n $PVE_HOOKSCRIPT_ID ]] && ! { json_string "$pending" hookscript && [[ $REPLY == "$PVE_HOOKSCRIPT_ID" ]]; }; then
		url_encode "$PVE_HOOKSCRIPT_ID"
		mounts+="&hookscript=$REPLY"
	fi
}

# The tags with ours, or without it.
with_tag() {
	url_encode "${tags:+$tags;}$restart_tag"
	REPLY="&tags=$REPLY"
}
without_tag() {
	local tag rest=''
	for tag in ${tags//[;,]/ }; do
		[[ $tag == "$restart_tag" ]] || rest+="${rest:+;}$tag"
	done
	[[ -n $rest ]] || {
		REPLY='&delete=tags'
		return
	}
	url_encode "$rest"
	REPLY="&tags=$REPLY"
}
env_parameter() {
	url_encode "$env_wanted"
	REPLY="&env=${REPLY//%0A/%00}"
}

# Changes the configuration that was looked at. 1 when it is another by now: look again.
put() {
	call PUT "$container/config" "digest=$digest$1" && env_put=$env_wanted && return 0
	[[ $WHY != *'modified configuration'* ]] || return 1
	[[ $STATUS == 403 && $1 == *"&tags="* && $can_tag -eq 1 ]] && {
		say "warning: Proxmox allows no tag $restart_tag ($WHY): when this is killed, start the workspace again"
		can_tag=0
		return 1
	}
	die "Proxmox: PUT $container/config: $STATUS $WHY"
}

# Whether another run is at it, after the tag was seen: something goes on, or changes while we look.
others_work() {
	local seen=$digest looks task
	for looks in 1 2 3; do
		call GET "/nodes/$PVE_NODE_NAME/tasks?source=active&vmid=$PVE_VM_ID" || BODY=''
		while IFS= read -r task; do
			# One that runs has no end yet.
			[[ ! $task =~ \"type\":\"vz(shutdown|start|stop|reboot)\" || $task == *'"endtime"'* ]] || return 0
		done <<<"${BODY//\},\{/$'\n'}"
		[[ $looks -eq 3 ]] || sleep "$TASK_POLL_SEC"
		must GET "$container/config"
		json_string "$BODY" digest
		[[ $REPLY == "$seen" ]] || return 0
	done
	return 1
}

is_state() {
	must GET "$container/status/current"
	json_string "$BODY" status
	[[ $REPLY == "$1" ]]
}
# Of a container under high availability the task only asks for it.
wait_state() {
	local deadline=$((SECONDS + $2))
	until is_state "$1"; do
		[[ $SECONDS -lt $deadline ]] || return 1
		sleep "$TASK_POLL_SEC"
	done
}

# By the container's own init. Without forceStop Proxmox does not kill when the time is up, as a reboot by the API would.
shut_down() {
	say "container $PVE_VM_ID is shut down, to start with what was changed"
	if call POST "$container/status/shutdown" "timeout=$TASK_TIMEOUT_SEC"; then
		wait_task && wait_state stopped "$TASK_TIMEOUT_SEC" && return 0
	elif [[ $WHY == *'not running'* ]]; then
		return 0
	fi
	local why="$STATUS $WHY"
	is_state stopped && return 0
	die "container $PVE_VM_ID did not stop within $TASK_TIMEOUT_SEC s (${why#200 }); it was not killed and has its old environment." \
		"See what holds it up (hakimctl status), then start the workspace again"
}

start() {
	say "container $PVE_VM_ID is started"
	if call POST "$container/status/start" ''; then
		local why
		wait_task || { why=$WHY && is_state running; } || die "container $PVE_VM_ID did not start: $why"
		wait_state running 30 || die "container $PVE_VM_ID ended as soon as it was started; see its console in Proxmox"
	elif [[ $WHY != *'already running'* ]]; then
		die "container $PVE_VM_ID did not start: $STATUS $WHY"
	fi
}

# One step nearer. 0: nothing is left to do.
step() {
	local change=''
	if [[ $tagged -eq 1 && $mine -eq 0 ]]; then
		if [[ $SECONDS -lt $patience ]] && others_work; then
			sleep "$TASK_POLL_SEC"
			return 1
		fi
		# Whoever did was killed.
		mine=1
	fi
	[[ -z $env_put || $env_next == "$env_put" ]] ||
		die "another run has changed the environment of container $PVE_VM_ID since; start the workspace again if that was none"
	[[ $env_next == "$env_wanted" ]] || { env_parameter && change=$REPLY; }
	if [[ $state == running ]]; then
		if [[ -z $change$mounts && $env_now == "$env_wanted" ]]; then
			[[ $tagged -eq 1 ]] || return 0
			without_tag
			put "$REPLY"
			return 1
		fi
		# A mount would be put over the running container's directory at once, so it waits; an environment does by itself.
		if [[ $tagged -eq 0 && $can_tag -eq 1 ]]; then
			with_tag
			change+=$REPLY
		fi
		[[ -z $change ]] || put "$change" || return 1
		mine=1 stopped=1
		((++restarts <= 2)) || die "something else changes container $PVE_VM_ID at the same time; start the workspace again"
		shut_down
		return 1
	fi
	change+=$mounts
	if [[ -n $change ]]; then
		put "$change"
	elif [[ $tagged -eq 1 || $stopped -eq 1 ]]; then
		stopped=0
		start
	else
		return 0
	fi
	return 1
}

check_inputs() {
	local name source
	[[ $# -eq 0 ]] || { usage; [[ $1 == --help ]]; exit; }
	((BASH_VERSINFO[0] > 4 || (BASH_VERSINFO[0] == 4 && BASH_VERSINFO[1] >= 3))) || die 'bash 4.3 or later is needed'
	for name in curl base64 tr sleep; do
		command -v "$name" >/dev/null || die "$name is needed and missing"
	done
	# They stay here: no program that is run needs them in its environment.
	for name in PVE_API_TOKEN PVE_PASSWORD CT_AGENT_BOOTSTRAP CT_RUNTIME_ENV_B64; do
		printf -v "$name" '%s' "${!name-}"
		export -n "${name?}"
	done
	for name in PVE_ENDPOINT PVE_NODE_NAME PVE_VM_ID CT_AGENT_BOOTSTRAP; do
		[[ -n ${!name-} ]] || die "$name must be set"
	done
	PVE_ENDPOINT=${PVE_ENDPOINT%/} PVE_ENDPOINT=${PVE_ENDPOINT%/api2/json}
	PVE_USERNAME=${PVE_USERNAME-} PVE_INSECURE=${PVE_INSECURE:-false} PVE_INSECURE=${PVE_INSECURE,,}
	PVE_HOME_SOURCE=${PVE_HOME_SOURCE-} PVE_NIX_SOURCE=${PVE_NIX_SOURCE-} PVE_HOOKSCRIPT_ID=${PVE_HOOKSCRIPT_ID-}
	PVE_DOCKER_SOURCE=${PVE_DOCKER_SOURCE-} PVE_DOCKER_TARGET=${PVE_DOCKER_TARGET:-/var/lib/docker}
	CT_RUNTIME_ENV_SHA=${CT_RUNTIME_ENV_SHA-} TASK_TIMEOUT_SEC=${TASK_TIMEOUT_SEC:-180} TASK_POLL_SEC=${TASK_POLL_SEC:-1}
	[[ $PVE_ENDPOINT =~ ^https?://[[:graph:]]+$ ]] || die 'PVE_ENDPOINT must be as https://pve.example.com:8006'
	[[ $PVE_NODE_NAME =~ ^[A-Za-z0-9][A-Za-z0-9.-]*$ ]] || die 'PVE_NODE_NAME must be the name of a node'
	[[ $PVE_VM_ID =~ ^[1-9][0-9]{2,8}$ ]] || die 'PVE_VM_ID must be the number of a container'
	[[ $TASK_TIMEOUT_SEC =~ ^[1-9][0-9]{0,5}$ ]] || die 'TASK_TIMEOUT_SEC must be a number of seconds'
	[[ $TASK_POLL_SEC =~ ^[0-9]+(\.[0-9]+)?$ ]] || die 'TASK_POLL_SEC must be a number of seconds'
	[[ $CT_AGENT_BOOTSTRAP =~ ^[A-Za-z0-9+/=]+$ ]] || die 'CT_AGENT_BOOTSTRAP must be base64'
	[[ -z $CT_RUNTIME_ENV_SHA ]] || proxmox_keeps CODER_RUNTIME_ENV_SHA "$CT_RUNTIME_ENV_SHA" || die 'CT_RUNTIME_ENV_SHA must be one word'
	[[ ! $PVE_API_TOKEN$PVE_USERNAME =~ [[:cntrl:]] ]] || die 'PVE_API_TOKEN and PVE_USERNAME may hold no control characters'
	if [[ -n $PVE_PASSWORD && -z $PVE_USERNAME ]]; then die 'PVE_USERNAME must be set with PVE_PASSWORD'; fi
	if [[ -z $PVE_PASSWORD && -z $PVE_API_TOKEN ]]; then die 'PVE_API_TOKEN, or PVE_USERNAME and PVE_PASSWORD, must be set'; fi
	for source in "$PVE_HOME_SOURCE" "$PVE_DOCKER_SOURCE" "$PVE_NIX_SOURCE"; do
		[[ -z $source || $source =~ ^(/|[A-Za-z][A-Za-z0-9_.-]*:)[^[:cntrl:],]+$ ]] || die "$source is no mount source: a volume or an absolute path"
		[[ $source == /* || ! $source =~ (^|[:/])(vm|subvol|base|basevol)-${PVE_VM_ID}- ]] ||
			die "$source belongs to container $PVE_VM_ID and would be destroyed with it: pct move-volume gives it to another"
	done
	container="/nodes/$PVE_NODE_NAME/lxc/$PVE_VM_ID"
}

check_inputs "$@"
read_wanted
mine=0 stopped=0 restarts=0 env_put='' can_tag=1 patience=$((SECONDS + 2 * TASK_TIMEOUT_SEC))
for ((round = 0; round < 500 || SECONDS < patience; round++)); do
	look
	step && exit 0
done
die "something else keeps changing container $PVE_VM_ID; start the workspace again"
