# Proxmox must know the container before Coder knows the agent's token, so both come together here, when both are there.

locals {
  agent_bootstrap = local.started ? base64encode("${data.coder_workspace.me.access_url}|${coder_agent.main[0].token}") : ""
  # NAME=base64 with commas between them, as the script takes it.
  runtime_env     = join(",", [for name in sort(keys(local.container_env)) : "${name}=${base64encode(local.container_env[name])}"])
  runtime_env_sha = sha256("${sha256(jsonencode(local.container_env))}:${local.agent_bootstrap}")
}

resource "terraform_data" "workspace_agent_env" {
  count = local.agents

  triggers_replace = [
    local.runtime_env_sha,
    local.mounts,
    terraform_data.rebuild.id,
    proxmox_virtual_environment_container.workspace.node_name,
    proxmox_virtual_environment_container.workspace.vm_id,
  ]

  provisioner "local-exec" {
    command = "bash ${path.module}/scripts/bootstrap-agent-env.sh"

    # In the environment, and never in the command: that is for all to see. nonsensitive, because Terraform hides all that
    # a command with a sensitive value says, its errors, too; the script says none of these.
    environment = {
      PVE_ENDPOINT       = trimsuffix(var.proxmox_endpoint, "/")
      PVE_NODE_NAME      = proxmox_virtual_environment_container.workspace.node_name
      PVE_VM_ID          = tostring(proxmox_virtual_environment_container.workspace.vm_id)
      PVE_API_TOKEN      = nonsensitive(local.root_session ? "" : var.proxmox_api_token)
      PVE_USERNAME       = nonsensitive(local.root_session ? var.proxmox_username : "")
      PVE_PASSWORD       = nonsensitive(local.root_session ? var.proxmox_password : "")
      PVE_INSECURE       = tostring(var.proxmox_insecure)
      PVE_HOME_SOURCE    = local.home_source
      PVE_DOCKER_SOURCE  = local.docker_source
      PVE_DOCKER_TARGET  = "/var/lib/docker"
      PVE_NIX_SOURCE     = local.nix_source
      PVE_HOOKSCRIPT_ID  = local.hookscript
      CT_AGENT_BOOTSTRAP = nonsensitive(local.agent_bootstrap)
      CT_RUNTIME_ENV_B64 = local.runtime_env
      CT_RUNTIME_ENV_SHA = nonsensitive(local.runtime_env_sha)
      TASK_TIMEOUT_SEC   = tostring(var.task_timeout_sec)
    }
  }
}
