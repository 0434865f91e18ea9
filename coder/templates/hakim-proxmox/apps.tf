# What a person opens. hakim-init runs what is behind it; a button is there when its module is switched on.
# The same in both templates.

locals {
  apps = {
    code-server = {
      on        = tobool(data.coder_parameter.enable_code_server.value)
      name      = "code-server"
      icon      = "/icon/code.svg"
      url       = "http://localhost:13337/?folder=${local.project_dir}"
      health    = "http://localhost:13337/healthz"
      share     = "owner"
      subdomain = false
      open_in   = "slim-window"
    }
    opencode = {
      on        = tobool(data.coder_parameter.enable_opencode.value)
      name      = "OpenCode"
      icon      = "/icon/opencode.svg"
      url       = "http://localhost:4096/"
      health    = "http://localhost:4096/global/health"
      share     = "owner"
      subdomain = true
      open_in   = "slim-window"
    }
    openchamber = {
      on        = tobool(data.coder_parameter.enable_openchamber.value)
      name      = "OpenChamber"
      icon      = "/icon/opencode.svg"
      url       = "http://localhost:6904/"
      health    = "http://localhost:6904/health"
      share     = "owner"
      subdomain = true
      open_in   = "slim-window"
    }
    preview = {
      on        = true
      name      = "Preview"
      icon      = "/icon/widgets.svg"
      url       = "http://localhost:${data.coder_parameter.preview_port.value}/"
      health    = "http://localhost:${data.coder_parameter.preview_port.value}/"
      share     = data.coder_parameter.preview_share.value
      subdomain = true
      open_in   = "tab"
    }
  }
}

resource "coder_app" "app" {
  for_each     = { for slug, app in local.apps : slug => app if app.on && local.started }
  agent_id     = coder_agent.main[0].id
  slug         = each.key
  display_name = each.value.name
  icon         = each.value.icon
  url          = each.value.url
  share        = each.value.share
  open_in      = each.value.open_in
  # A path on Coder's own host would not do for programs that want to be at the root of theirs.
  subdomain = each.value.subdomain

  healthcheck {
    url       = each.value.health
    interval  = 5
    threshold = 15
  }
}
