# What survives the container: the home, and what else is mounted from the node.
#
# None of it is a mount_point of the container. Proxmox mounts those while it unpacks the image (pve-container 6.1.10,
# PVE/API2/LXC.pm: mount_all() before restore_oci_archive()), so that a directory must be there before any hookscript has
# made it, and the image's own /home/coder would be written over a home that is there. scripts/bootstrap-agent-env.sh mounts
# them when the container has been made.

locals {
  home             = tobool(data.coder_parameter.enable_home_disk.value)
  home_given       = try(trimspace(data.coder_parameter.proxmox_home_volume_id[0].value), "")
  home_directory   = "/var/lib/vz/hakim-homes/${local.owner}"
  home_source      = !local.home ? "" : local.home_given != "" ? local.home_given : "${local.home_directory}/${local.workspace}"
  docker_source    = trimspace(data.coder_parameter.proxmox_docker_volume_id.value)
  nix_source       = trimspace(data.coder_parameter.proxmox_nix_store_volume_id.value)
  mounts           = { for target, source in { "/home/coder" = local.home_source, "/var/lib/docker" = local.docker_source, "/nix" = local.nix_source } : target => source if source != "" }
  sources          = values(local.mounts)
  binds            = [for source in local.sources : source if startswith(source, "/")]
  home_on_one_node = local.home && !anytrue([for start in var.proxmox_shared_sources : startswith(local.home_source, start)])
  allowed_sources  = concat(["${local.home_directory}/"], var.proxmox_mount_sources)
  not_allowed      = [for source in local.sources : source if !anytrue([for start in local.allowed_sources : startswith(source, start)])]
  malformed        = [for source in local.sources : source if strcontains(source, "..") || !can(regex("^(/[A-Za-z0-9_.@/+-]+|[A-Za-z][A-Za-z0-9_.-]*:[A-Za-z0-9_./-]+)$", source))]
  # The owner of a volume is the number in its name: local-lvm:vm-300-disk-1, tank:subvol-300-disk-1, local:300/vm-300-disk-1.raw.
  volume_owners = [for source in local.sources : try(tonumber(regex("(?:vm|subvol|base|basevol)-([0-9]+)-", source)[0]), 0) if !startswith(source, "/")]
  hookscript    = local.home && startswith(local.home_source, "/var/lib/vz/hakim-homes/") ? trimspace(var.proxmox_home_bind_hook_script_id) : ""
  vm_id         = tonumber(data.coder_parameter.proxmox_vm_id.value)
}

# The node that the home is on: as it was first, for this home.
resource "terraform_data" "home_node" {
  count            = local.home ? 1 : 0
  input            = data.coder_parameter.proxmox_node_name.value
  triggers_replace = [local.home_source]

  lifecycle {
    ignore_changes = [input]
  }
}
