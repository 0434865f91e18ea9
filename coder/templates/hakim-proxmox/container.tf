# The container itself. It is there as long as the workspace is: starting and stopping only start and stop it.

locals {
  nesting = tobool(data.coder_parameter.enable_nesting.value)
  fuse    = tobool(data.coder_parameter.enable_fuse.value)
  keyctl  = tobool(data.coder_parameter.enable_keyctl.value)

  # Without nesting overlayfs and new namespaces are denied.
  docker_can_run = local.nesting
  place_env      = local.nix_source == "" ? {} : { BOOTSTRAP_NIX_IF_MISSING = "1" }

  # What Proxmox allows to root@pam only (PVE/LXC.pm, check_ct_modify_config_perm).
  root_only    = compact([local.home ? "enable_home_disk" : "", length(local.binds) > 0 ? "a path as mount source" : "", local.fuse ? "enable_fuse" : "", local.keyctl ? "enable_keyctl" : ""])
  root_session = length(local.root_only) > 0 && var.proxmox_password != ""

  template_tag     = try(data.coder_parameter.template_tag[0].value, "")
  template_file_id = local.custom ? trimspace(try(data.coder_parameter.custom_template_file_id[0].value, "")) : "${var.proxmox_template_datastore_id}:vztmpl/hakim-${data.coder_parameter.image_variant.value}_${local.template_tag}.tar"
  # What `hakim prune` goes by, of an image of one's own, too: NAME_TAG.tar.
  image_tag = try(regex("/[^_]+_([a-z0-9_.-]+)\\.tar$", lower(local.template_file_id))[0], "custom")

  demands = concat(local.common_demands, [
    {
      ok   = !local.custom || can(regex("^[A-Za-z][A-Za-z0-9_.-]*:vztmpl/.+$", local.template_file_id))
      text = "custom_template_file_id must be set when image_variant is custom, as local:vztmpl/hakim-base_latest.tar."
    },
    {
      ok   = nonsensitive(var.proxmox_api_token != "" || local.root_session)
      text = "proxmox_api_token must be set (user@realm!tokenid=secret)."
    },
    {
      ok   = length(local.root_only) == 0 || nonsensitive(var.proxmox_password != "")
      text = "proxmox_password must be set for ${join(", ", local.root_only)}: Proxmox allows that to root@pam only, and to no token."
    },
    {
      ok   = length(local.root_only) == 0 || var.proxmox_username == "root@pam"
      text = "proxmox_username must be root@pam for ${join(", ", local.root_only)}: Proxmox allows that to nobody else."
    },
    {
      ok   = !local.home || !startswith(local.home_source, "/var/lib/vz/hakim-homes/") || local.hookscript != ""
      text = "proxmox_home_bind_hook_script_id must be set when enable_home_disk is on: it makes the directory of the home."
    },
    {
      ok   = length(local.malformed) == 0
      text = "${join(", ", local.malformed)} is no mount source: a volume is as local-lvm:vm-300-disk-1, a path is as /mnt/pve/data/homes/me, without .. in it."
    },
    {
      ok   = length(local.not_allowed) == 0
      text = "proxmox_mount_sources (a variable of the template) must allow ${join(", ", local.not_allowed)}: without that a user could name another's home."
    },
    {
      ok   = length(local.volume_owners) == 0 || local.vm_id > 0
      text = "proxmox_vm_id must be set when a volume is mounted: a container that happened to get the number in its name would own it, and free it when it is destroyed."
    },
    {
      ok   = local.vm_id == 0 || !contains(local.volume_owners, local.vm_id)
      text = "proxmox_vm_id must be another number than ${join(", ", local.volume_owners)}, which own the volumes: Proxmox frees what a container owns when it is destroyed. Give the volume away (pct move-volume CTID mp0 --target-vmid OTHER), or take another proxmox_vm_id."
    },
  ])
  missing = [for demand in local.demands : demand.text if !demand.ok]
}

# What makes the container anew when it changes. The home survives. Features are in it because a token may set them at
# creation, but not change them: the provider then names fuse and keyctl, too.
resource "terraform_data" "rebuild" {
  triggers_replace = [
    local.template_file_id,
    data.coder_parameter.workspace_rebuild_generation.value,
    local.mounts,
    [local.nesting, local.fuse, local.keyctl],
  ]
}

resource "proxmox_virtual_environment_container" "workspace" {
  node_name     = data.coder_parameter.proxmox_node_name.value
  vm_id         = local.vm_id > 0 ? local.vm_id : null
  pool_id       = var.proxmox_pool_id != "" ? var.proxmox_pool_id : null
  description   = "Coder workspace ${local.owner}/${local.workspace}"
  unprivileged  = true
  started       = local.started
  start_on_boot = local.started
  # Proxmox sorts them and makes them lower case; `hakim prune` keeps the images that the last one names.
  tags = sort(distinct(["coder", "hakim", data.coder_parameter.image_variant.value, "template-${local.image_tag}"]))

  hook_script_file_id = local.hookscript != "" ? local.hookscript : null

  # The provider kills when this is over; hakim-init takes 50 s at most.
  timeout_delete = 120

  operating_system {
    template_file_id = local.template_file_id
    type             = local.custom ? "unmanaged" : "debian"
  }

  cpu {
    cores = tonumber(data.coder_parameter.container_cores.value)
  }

  memory {
    dedicated = tonumber(data.coder_parameter.container_memory_mb.value)
    swap      = tonumber(data.coder_parameter.container_swap_mb.value)
  }

  disk {
    datastore_id = var.proxmox_container_datastore_id
    size         = tonumber(data.coder_parameter.container_disk_gb.value)
  }

  features {
    nesting = local.nesting
    fuse    = local.fuse
    keyctl  = local.keyctl
  }

  initialization {
    hostname = local.hostname

    ip_config {
      ipv4 {
        address = "dhcp"
      }
    }
  }

  network_interface {
    name     = "eth0"
    bridge   = var.proxmox_network_bridge
    vlan_id  = var.proxmox_vlan_id > 0 ? var.proxmox_vlan_id : null
    firewall = var.proxmox_network_firewall
    # hakim-init runs no DHCP client; the provider's own default is false.
    host_managed = true
  }

  lifecycle {
    # scripts/bootstrap-agent-env.sh sets these: the image's own would win over what is given at creation.
    ignore_changes = [environment_variables, mount_point]

    replace_triggered_by = [terraform_data.rebuild]

    precondition {
      condition     = length(local.missing) == 0
      error_message = join("\n", concat(["The workspace cannot be made:"], local.missing))
    }

    precondition {
      condition     = local.home_on_one_node ? terraform_data.home_node[0].output == data.coder_parameter.proxmox_node_name.value : true
      error_message = "proxmox_node_name cannot be changed to ${data.coder_parameter.proxmox_node_name.value}: ${local.home_source} is on another node. Change it back, or copy the home there and name it in proxmox_home_volume_id (docs/proxmox.md)."
    }
  }
}
