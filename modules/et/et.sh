#!/bin/sh
# hakim-et - the ExecStartPre= of et-sshd.service: the host key, made once in the home, and the configurations of sshd and
# etserver, made anew at each start. With "status" its StatusExec=. Run as the workspace's user. docs/modules/et.md
set -eu
umask 077

keys=$HOME/.ssh/authorized_keys
if [ "${1-}" = status ]; then
	[ -s "$keys" ] || echo "nobody can log in yet: $keys has no key"
	exit 0
fi
state=$HOME/.local/share/hakim-et
conf=$XDG_RUNTIME_DIR/hakim-et
key=$state/ssh_host_ed25519_key
mkdir -p "$state" "$conf" "$HOME/.ssh"

# A key that was cut off by a power loss is none. It is renamed into place, so that what is there is whole.
if ! ssh-keygen -y -P '' -f "$key" >/dev/null 2>&1; then
	rm -f "$key.new" "$key.new.pub"
	ssh-keygen -q -t ed25519 -N '' -C hakim-et -f "$key.new"
	mv -f "$key.new.pub" "$key.pub"
	mv -f "$key.new" "$key"
fi
[ -e "$keys" ] || : >"$keys"

# What a session of the agent has, too.
session() {
	env | grep -E '^(XDG_RUNTIME_DIR|DBUS_SESSION_BUS_ADDRESS|GNOME_KEYRING_CONTROL|DISPLAY|LIBGL_ALWAYS_SOFTWARE|PATH)=[]A-Za-z0-9/:=.,_+[-]+$' |
		tr '\n' ' '
}

cat >"$conf/sshd_config.new" <<EOF
Port $ET_SSH_PORT
ListenAddress 127.0.0.1
HostKey $key
PidFile none
AuthorizedKeysFile .ssh/authorized_keys
StrictModes no
AllowUsers $USER
PubkeyAuthentication yes
AuthenticationMethods publickey
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
PermitRootLogin no
PermitUserEnvironment no
AcceptEnv LANG LC_* LANGUAGE
SetEnv $(session)
AllowTcpForwarding yes
GatewayPorts no
PermitTunnel no
X11Forwarding no
PrintMotd no
LogLevel VERBOSE
MaxAuthTries 3
LoginGraceTime 30
Subsystem sftp internal-sftp
EOF
cat >"$conf/et.cfg.new" <<EOF
[Networking]
port = $ET_PORT
bind_ip = 127.0.0.1

[Debug]
verbose = 0
silent = 0
logsize = 20971520
telemetry = false
logdirectory = $state
EOF
mv -f "$conf/sshd_config.new" "$conf/sshd_config"
mv -f "$conf/et.cfg.new" "$conf/et.cfg"
