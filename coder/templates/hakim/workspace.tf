# Who and what this is for. The same in both templates.

data "coder_workspace" "me" {}
data "coder_workspace_owner" "me" {}
data "coder_provisioner" "me" {}

locals {
  started = data.coder_workspace.me.transition == "start"
  # On a stop there is no agent, and nothing that belongs to one.
  agents = local.started ? 1 : 0

  # Coder's names have lower-case letters, digits and dashes; whatever else may come one day is none in a path.
  owner     = replace(lower(data.coder_workspace_owner.me.name), "/[^a-z0-9-]/", "-")
  workspace = replace(lower(data.coder_workspace.me.name), "/[^a-z0-9-]/", "-")
  # A host name has 63 characters at most, and does not end with a dash.
  hostname = trimsuffix(substr("coder-${local.owner}-${local.workspace}", 0, 63), "-")

  project_dir = "/home/coder/project"
}
