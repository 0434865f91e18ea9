# The agent, and what the workspace shows of itself. The same in both templates.

resource "coder_agent" "main" {
  count = local.agents
  arch  = data.coder_provisioner.me.arch
  os    = "linux"
  env   = local.agent_env

  metadata {
    display_name = "Services"
    key          = "0_services"
    # The last line is the manager's state where nothing has failed, else what failed.
    script   = file("${path.module}/scripts/services.sh")
    interval = 15
    timeout  = 5
    order    = 0
  }

  metadata {
    display_name = "Processor"
    key          = "1_cpu"
    script       = "coder stat cpu"
    interval     = 10
    timeout      = 3
    order        = 1
  }

  metadata {
    display_name = "Memory"
    key          = "2_memory"
    script       = "coder stat mem"
    interval     = 10
    timeout      = 3
    order        = 2
  }

  metadata {
    display_name = "Home"
    key          = "3_home"
    script       = "coder stat disk --path /home/coder"
    interval     = 60
    timeout      = 3
    order        = 3
  }

  metadata {
    display_name = "Needs the host"
    key          = "4_doctor"
    # How many rows of `hakimctl doctor` only the host can mend.
    script   = "hakimctl doctor --json | jq -r '.needs_host'"
    interval = 600
    timeout  = 10
    order    = 4
  }
}

# Settings only: what runs is hakim-init's.
resource "coder_script" "user" {
  count        = local.agents
  agent_id     = coder_agent.main[0].id
  display_name = "Git and tmux settings"
  icon         = "/icon/git.svg"
  run_on_start = true
  timeout      = 60
  script = join("\n", [
    "#!/bin/sh",
    "HAKIM_GIT_NAME=${base64encode(data.coder_parameter.git_user_name.value)}",
    "HAKIM_GIT_EMAIL=${base64encode(data.coder_parameter.git_user_email.value)}",
    "HAKIM_GIT_HELPER=${base64encode(data.coder_parameter.git_credential_helper.value)}",
    "HAKIM_GIT_CONFIG=${base64encode(data.coder_parameter.git_global_gitconfig.value)}",
    "HAKIM_TMUX_CONFIG=${base64encode(local.tmux_config)}",
    file("${path.module}/scripts/setup-user.sh"),
  ])
}
