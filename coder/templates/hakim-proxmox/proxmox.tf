# What a user sets for the container.

data "coder_parameter" "custom_template_file_id" {
  count        = local.custom ? 1 : 0
  name         = "custom_template_file_id"
  display_name = "Template file"
  description  = "The volume of a template, as local:vztmpl/hakim-base_latest.tar."
  type         = "string"
  default      = ""
  mutable      = true
  icon         = "/icon/lxc.svg"
  order        = 2
}

data "coder_parameter" "container_disk_gb" {
  name         = "container_disk_gb"
  display_name = "Root disk (GiB)"
  description  = "It can grow. A smaller one than it has been makes Proxmox refuse the change."
  type         = "number"
  default      = 20
  mutable      = true
  icon         = "/icon/database.svg"
  order        = 63

  validation {
    min       = 4
    monotonic = "increasing"
  }
}

data "coder_parameter" "proxmox_node_name" {
  name         = "proxmox_node_name"
  display_name = "Node"
  description  = "Where the container is. With a home that only one node has, it cannot be changed."
  type         = "string"
  default      = var.proxmox_node_names[0]
  mutable      = true
  icon         = "/icon/lxc.svg"
  order        = 64

  dynamic "option" {
    for_each = var.proxmox_node_names
    content {
      name  = option.value
      value = option.value
    }
  }
}

data "coder_parameter" "proxmox_vm_id" {
  name         = "proxmox_vm_id"
  display_name = "Container number"
  description  = "0: the next that is free."
  type         = "number"
  default      = 0
  mutable      = true
  icon         = "/icon/lxc.svg"
  order        = 65

  validation {
    min = 0
    max = 999999999
  }
}

data "coder_parameter" "enable_nesting" {
  name         = "enable_nesting"
  display_name = "Nesting"
  description  = "Docker, bubblewrap, Chrome's and nix's sandboxes need it; AppArmor guards less with it. Changing it rebuilds the workspace."
  type         = "bool"
  default      = false
  mutable      = true
  icon         = "/icon/lxc.svg"
  order        = 66
}

data "coder_parameter" "enable_fuse" {
  name         = "enable_fuse"
  display_name = "FUSE"
  description  = "fuse-overlayfs, sshfs and AppImages need it. Only with root@pam's password. Changing it rebuilds the workspace."
  type         = "bool"
  default      = false
  mutable      = true
  icon         = "/icon/lxc.svg"
  order        = 67
}

data "coder_parameter" "enable_keyctl" {
  name         = "enable_keyctl"
  display_name = "Kernel keyrings"
  description  = "keyctl(2): some containers in the container need it. Only with root@pam's password. Changing it rebuilds the workspace."
  type         = "bool"
  default      = false
  mutable      = true
  icon         = "/icon/lxc.svg"
  order        = 68
}

data "coder_parameter" "enable_home_disk" {
  name         = "enable_home_disk"
  display_name = "Persistent home"
  description  = "/home/coder survives when the container is made anew. Only with root@pam's password. Changing it rebuilds the workspace."
  type         = "bool"
  default      = false
  mutable      = true
  icon         = "/icon/folder.svg"
  order        = 70
}

data "coder_parameter" "proxmox_home_volume_id" {
  count        = local.home ? 1 : 0
  name         = "proxmox_home_volume_id"
  display_name = "Existing home"
  description  = "A volume or a path of the node, as `hakim home CTID` prints it. Empty: a directory of this workspace's own."
  type         = "string"
  default      = ""
  mutable      = true
  icon         = "/icon/folder.svg"
  order        = 71
}

data "coder_parameter" "proxmox_docker_volume_id" {
  name         = "proxmox_docker_volume_id"
  display_name = "Volume for Docker"
  description  = "A volume or a path of the node that becomes /var/lib/docker. Empty: images are on the root disk."
  type         = "string"
  default      = ""
  mutable      = true
  icon         = "/icon/docker.svg"
  order        = 72
}

data "coder_parameter" "proxmox_nix_store_volume_id" {
  name         = "proxmox_nix_store_volume_id"
  display_name = "Volume for Nix"
  description  = "A volume or a path of the node that becomes /nix. An empty one is filled once. Empty: /nix is on the root disk."
  type         = "string"
  default      = ""
  mutable      = true
  icon         = "/icon/nix.svg"
  order        = 73
}
