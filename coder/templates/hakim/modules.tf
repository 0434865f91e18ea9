# The modules of hakim-init: which run, and with what. It starts and supervises them itself, so nothing here starts any.
# The same in both templates.

data "coder_parameter" "enable_code_server" {
  name         = "enable_code_server"
  display_name = "code-server"
  description  = "Visual Studio Code in the browser."
  type         = "bool"
  default      = true
  mutable      = true
  icon         = "/icon/code.svg"
  order        = 40
}

data "coder_parameter" "enable_opencode" {
  name         = "enable_opencode"
  display_name = "OpenCode"
  description  = "An AI agent, as a server with a web page."
  type         = "bool"
  default      = true
  mutable      = true
  icon         = "/icon/opencode.svg"
  order        = 41
}

data "coder_parameter" "enable_openchamber" {
  name         = "enable_openchamber"
  display_name = "OpenChamber"
  description  = "A web page for OpenCode. It runs where the image or the home has the program."
  type         = "bool"
  default      = true
  mutable      = true
  icon         = "/icon/opencode.svg"
  order        = 42
}

data "coder_parameter" "enable_openclaw_node" {
  name         = "enable_openclaw_node"
  display_name = "OpenClaw node"
  description  = "Lets the agents of an OpenClaw gateway run commands in this workspace."
  type         = "bool"
  default      = false
  mutable      = true
  icon         = "/icon/openclaw.svg"
  order        = 43
}

data "coder_parameter" "openclaw_bridge_host" {
  count        = local.openclaw ? 1 : 0
  name         = "openclaw_bridge_host"
  display_name = "OpenClaw bridge host"
  description  = "The gateway: a name or an address, without ws://."
  type         = "string"
  default      = ""
  mutable      = true
  icon         = "/icon/openclaw.svg"
  order        = 44
}

data "coder_parameter" "openclaw_bridge_port" {
  count        = local.openclaw ? 1 : 0
  name         = "openclaw_bridge_port"
  display_name = "OpenClaw bridge port"
  description  = "The gateway's port."
  type         = "number"
  default      = 18790
  mutable      = true
  icon         = "/icon/openclaw.svg"
  order        = 45

  validation {
    min = 1
    max = 65535
  }
}

data "coder_parameter" "openclaw_bridge_tls" {
  count        = local.openclaw ? 1 : 0
  name         = "openclaw_bridge_tls"
  display_name = "OpenClaw bridge TLS"
  description  = "Whether the gateway speaks TLS."
  type         = "bool"
  default      = false
  mutable      = true
  icon         = "/icon/openclaw.svg"
  order        = 46
}

data "coder_parameter" "openclaw_bridge_tls_fingerprint" {
  count        = local.openclaw ? 1 : 0
  name         = "openclaw_bridge_tls_fingerprint"
  display_name = "OpenClaw bridge fingerprint"
  description  = "SHA-256 of the gateway's certificate. Empty: it is not pinned."
  type         = "string"
  default      = ""
  mutable      = true
  icon         = "/icon/openclaw.svg"
  order        = 47
}

data "coder_parameter" "enable_docker" {
  name         = "enable_docker"
  display_name = "Docker"
  description  = "dockerd in the workspace, where that can work (README.md)."
  type         = "bool"
  default      = true
  mutable      = true
  icon         = "/icon/docker.svg"
  order        = 50
}

data "coder_parameter" "enable_nix" {
  name         = "enable_nix"
  display_name = "Nix"
  description  = "nix-daemon, where there is a nix."
  type         = "bool"
  default      = true
  mutable      = true
  icon         = "/icon/nix.svg"
  order        = 51
}

data "coder_parameter" "enable_et" {
  name         = "enable_et"
  display_name = "Eternal Terminal"
  description  = "etserver and an sshd behind it, on loopback, where the image has them."
  type         = "bool"
  default      = true
  mutable      = true
  icon         = "/icon/terminal.svg"
  order        = 52
}

data "coder_parameter" "enable_tmux" {
  name         = "enable_tmux"
  display_name = "tmux"
  description  = "Sessions that are there when a person comes."
  type         = "bool"
  default      = true
  mutable      = true
  icon         = "/icon/terminal.svg"
  order        = 53
}

data "coder_parameter" "tmux_sessions" {
  count        = local.tmux ? 1 : 0
  name         = "tmux_sessions"
  display_name = "tmux sessions"
  description  = "Names with commas between them."
  type         = "string"
  default      = "default"
  mutable      = true
  icon         = "/icon/terminal.svg"
  order        = 54

  validation {
    regex = "^[A-Za-z0-9_-]+( *, *[A-Za-z0-9_-]+)*$"
    error = "Names of letters, digits, _ and -, with commas between them."
  }
}

data "coder_parameter" "tmux_config" {
  count        = local.tmux ? 1 : 0
  name         = "tmux_config"
  display_name = "tmux configuration"
  description  = "Becomes ~/.tmux.conf, for as long as nobody has changed that by hand. Empty: it is left as it is."
  type         = "string"
  form_type    = "textarea"
  default      = ""
  mutable      = true
  icon         = "/icon/terminal.svg"
  order        = 55
}

data "coder_parameter" "enable_desktop" {
  name         = "enable_desktop"
  display_name = "Display and keyring"
  description  = "Xvfb on :99, a message bus and the secret service, for browsers and programs that keep passwords."
  type         = "bool"
  default      = true
  mutable      = true
  icon         = "/icon/desktop.svg"
  order        = 56
}

locals {
  openclaw             = tobool(data.coder_parameter.enable_openclaw_node.value)
  openclaw_host        = try(trimspace(data.coder_parameter.openclaw_bridge_host[0].value), "")
  openclaw_port        = try(data.coder_parameter.openclaw_bridge_port[0].value, "18790")
  openclaw_tls         = try(tobool(data.coder_parameter.openclaw_bridge_tls[0].value), false)
  openclaw_fingerprint = try(trimspace(data.coder_parameter.openclaw_bridge_tls_fingerprint[0].value), "")
  tmux                 = tobool(data.coder_parameter.enable_tmux.value)
  tmux_sessions        = replace(try(data.coder_parameter.tmux_sessions[0].value, "default"), " ", "")
  tmux_config          = try(data.coder_parameter.tmux_config[0].value, "")
  git_url              = trimspace(data.coder_parameter.git_url.value)
  git_branch           = trimspace(data.coder_parameter.git_branch.value)

  # No storage driver: hakim-init takes the one that works there.
  module_env = merge(
    {
      START_CODE_SERVER    = tobool(data.coder_parameter.enable_code_server.value) ? "1" : "0"
      START_OPENCODE       = tobool(data.coder_parameter.enable_opencode.value) ? "1" : "0"
      START_OPENCHAMBER    = tobool(data.coder_parameter.enable_openchamber.value) ? "1" : "0"
      START_DOCKER_DAEMON  = tobool(data.coder_parameter.enable_docker.value) && local.docker_can_run ? "1" : "0"
      START_NIX_DAEMON     = tobool(data.coder_parameter.enable_nix.value) ? "1" : "0"
      START_ET             = tobool(data.coder_parameter.enable_et.value) ? "1" : "0"
      START_TMUX           = local.tmux ? "1" : "0"
      TMUX_SESSIONS        = local.tmux_sessions
      START_XVFB           = tobool(data.coder_parameter.enable_desktop.value) ? "1" : "0"
      START_SECRET_SERVICE = tobool(data.coder_parameter.enable_desktop.value) ? "1" : "0"
      CODER_PROJECT_DIR    = local.project_dir
    },
    local.git_url == "" ? {} : { GIT_CLONE_URL = local.git_url },
    local.git_url == "" || local.git_branch == "" ? {} : { GIT_CLONE_BRANCH = local.git_branch },
    !local.openclaw ? {} : {
      OPENCLAW_BRIDGE_HOST  = local.openclaw_host
      OPENCLAW_BRIDGE_PORT  = tostring(local.openclaw_port)
      OPENCLAW_BRIDGE_TLS   = local.openclaw_tls ? "1" : "0"
      OPENCLAW_DISPLAY_NAME = local.hostname
    },
    local.openclaw_fingerprint == "" ? {} : { OPENCLAW_BRIDGE_TLS_FINGERPRINT = local.openclaw_fingerprint },
    # Where a browser finds a port of the workspace: the agent tells it only those that it starts itself.
    var.coder_wildcard_host == "" ? {} : {
      VSCODE_PROXY_URI = "https://{{port}}--main--${data.coder_workspace.me.name}--${data.coder_workspace_owner.me.name}.${trimprefix(var.coder_wildcard_host, "*.")}"
    },
    local.place_env,
  )
}
