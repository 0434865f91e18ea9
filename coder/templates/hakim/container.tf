# The container. It is made at a start and removed at a stop; the home is a volume that outlives both.

data "coder_parameter" "custom_image" {
  count        = local.custom ? 1 : 0
  name         = "custom_image"
  display_name = "Image"
  description  = "An image that has hakim-init, as ghcr.io/me/hakim-mine:latest."
  type         = "string"
  default      = ""
  mutable      = true
  icon         = "/icon/docker.svg"
  order        = 2
}

locals {
  # dockerd in a container needs rights that this one does not have.
  docker_can_run = false
  place_env      = {}

  image = local.custom ? trimspace(try(data.coder_parameter.custom_image[0].value, "")) : "${var.image_registry}/hakim-${data.coder_parameter.image_variant.value}:${data.coder_parameter.template_tag[0].value}"

  # A Coder on this machine is another machine for the container.
  agent_url = replace(data.coder_workspace.me.access_url, "/localhost|127\\.0\\.0\\.1/", "host.docker.internal")

  demands = concat(local.common_demands, [
    {
      ok   = !local.custom || local.image != ""
      text = "custom_image must be set when image_variant is custom, as ghcr.io/me/hakim-mine:latest."
    },
  ])
  missing = [for demand in local.demands : demand.text if !demand.ok]
}

resource "docker_image" "workspace" {
  count        = local.agents
  name         = local.image
  keep_locally = true
  # One more in workspace_rebuild_generation pulls a tag that has moved.
  pull_triggers = [data.coder_parameter.workspace_rebuild_generation.value]
}

resource "docker_volume" "home" {
  name = "coder-${data.coder_workspace.me.id}-home"

  labels {
    label = "coder.owner"
    value = local.owner
  }
  labels {
    label = "coder.workspace"
    value = local.workspace
  }

  lifecycle {
    # A workspace that is renamed keeps its home.
    ignore_changes = all
  }
}

resource "docker_container" "workspace" {
  count    = local.agents
  name     = local.hostname
  hostname = local.hostname
  image    = docker_image.workspace[0].image_id

  entrypoint = ["/usr/sbin/hakim-init"]
  command    = []
  # hakim-init takes 8 s at most.
  stop_timeout          = 15
  destroy_grace_seconds = 15
  restart               = "unless-stopped"

  cpus   = tostring(data.coder_parameter.container_cores.value)
  memory = tonumber(data.coder_parameter.container_memory_mb.value)
  # Docker counts both together.
  memory_swap = tonumber(data.coder_parameter.container_memory_mb.value) + tonumber(data.coder_parameter.container_swap_mb.value)

  env = [
    for name, value in merge(local.container_env, {
      CODER_AGENT_URL   = local.agent_url
      CODER_AGENT_TOKEN = coder_agent.main[0].token
    }) : "${name}=${value}"
  ]

  host {
    host = "host.docker.internal"
    ip   = "host-gateway"
  }

  volumes {
    container_path = "/home/coder"
    volume_name    = docker_volume.home.name
  }

  dynamic "volumes" {
    for_each = compact([var.docker_socket])
    content {
      container_path = "/var/run/docker.sock"
      host_path      = volumes.value
    }
  }

  lifecycle {
    precondition {
      condition     = length(local.missing) == 0
      error_message = join("\n", concat(["The workspace cannot be made:"], local.missing))
    }
  }
}
