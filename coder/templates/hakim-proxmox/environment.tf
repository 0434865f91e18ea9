# The environment of the container and of the agent. The same in both templates.

locals {
  # What is no object of strings is an error below, and not an empty one.
  user_json   = try(jsondecode(data.coder_parameter.user_env.value), null)
  secret_json = try(jsondecode(data.coder_parameter.secret_env.value), null)
  user_env    = can(keys(local.user_json)) ? try({ for name, value in local.user_json : name => tostring(value) }, null) : null
  secret_env  = can(keys(local.secret_json)) ? try({ for name, value in local.secret_json : name => tostring(value) }, null) : null

  # Of the user's names none may take the place of what tells hakim-init who it is for.
  reserved = ["CODER_AGENT_BOOTSTRAP", "CODER_AGENT_TOKEN", "CODER_AGENT_URL", "CODER_RUNTIME_ENV_SHA", "HAKIM_SECRET_ENV"]
  asked    = merge({}, local.user_env, local.secret_env)
  given    = { for name, value in local.asked : name => value if !contains(local.reserved, name) }

  # Proxmox takes names of letters, digits and _, and values without control characters but the tab. hakim-init reads the
  # names of secrets with blanks between them.
  fits    = { for name, value in local.given : name => value if can(regex("^\\w+$", name)) && !can(regex("[\\x00-\\x08\\x0a-\\x1f\\x7f]", value)) }
  not_fit = [for name in keys(local.given) : name if !contains(keys(local.fits), name)]
  secrets = sort([for name in keys(local.fits) : name if try(contains(keys(local.secret_env), name), false)])
  container_env = merge(
    local.module_env,
    local.fits,
    length(local.secrets) > 0 ? { HAKIM_SECRET_ENV = join(" ", local.secrets) } : {},
  )

  # The same for both: sessions are the agent's children.
  agent_env = local.given

  # What both templates demand before anything is made.
  common_demands = [
    {
      ok   = local.user_env != null
      text = "user_env must be a JSON object of strings."
    },
    {
      ok   = local.secret_env != null
      text = "secret_env must be a JSON object of strings."
    },
    {
      ok   = length(local.asked) == length(local.given)
      text = "user_env and secret_env may not set ${join(", ", local.reserved)}: the template does."
    },
    {
      ok   = !local.openclaw || local.openclaw_host != ""
      text = "openclaw_bridge_host must be set when enable_openclaw_node is on."
    },
    {
      ok   = local.openclaw_fingerprint == "" || local.openclaw_tls
      text = "openclaw_bridge_tls must be on when openclaw_bridge_tls_fingerprint is set: nothing would be checked."
    },
  ]
}

check "environment" {
  assert {
    condition     = length(local.not_fit) == 0
    error_message = "Proxmox cannot hold ${join(", ", local.not_fit)} (a name with other characters than letters, digits and _, or a value of several lines): sessions get them, services do not."
  }
}
