# What the template's administrator sets, once (coder templates push --variable NAME=VALUE). Credentials and the ways out
# of a workspace are here and not among the parameters, which every user sees and may change.

variable "proxmox_endpoint" {
  description = "The API of Proxmox, as https://pve.example.com:8006/"
  type        = string

  validation {
    condition     = can(regex("^https://", var.proxmox_endpoint))
    error_message = "proxmox_endpoint must begin with https://, as in https://pve.example.com:8006/."
  }
}

variable "proxmox_api_token" {
  description = "user@realm!tokenid=secret. It is enough where a workspace has neither a persistent home nor fuse or keyctl"
  type        = string
  default     = ""
  sensitive   = true
}

variable "proxmox_username" {
  description = "Whose session sets bind mounts, the hookscript, fuse and keyctl: Proxmox lets root@pam alone"
  type        = string
  default     = "root@pam"
}

variable "proxmox_password" {
  description = "The password of proxmox_username. Two-factor authentication must be off for it: nobody is there to type a code"
  type        = string
  default     = ""
  sensitive   = true
}

variable "proxmox_insecure" {
  description = "Whether a certificate that nobody vouches for is taken: who is in between then has the credentials"
  type        = bool
  default     = false
}

variable "proxmox_node_names" {
  description = "The nodes that a workspace may be on; the first is the default"
  type        = list(string)
  default     = ["pve"]

  validation {
    condition     = length(var.proxmox_node_names) > 0
    error_message = "proxmox_node_names must name a node."
  }
}

variable "proxmox_pool_id" {
  description = "The pool that containers are put into; empty: none"
  type        = string
  default     = ""
}

variable "proxmox_container_datastore_id" {
  description = "The store of the root file systems"
  type        = string
  default     = "local-lvm"
}

variable "proxmox_template_datastore_id" {
  description = "The store that `hakim pull` has put the images into"
  type        = string
  default     = "local"
}

variable "proxmox_network_bridge" {
  description = "The bridge of the network interface"
  type        = string
  default     = "vmbr0"
}

variable "proxmox_vlan_id" {
  description = "The VLAN of the network interface; 0: none"
  type        = number
  default     = 0

  validation {
    condition     = var.proxmox_vlan_id >= 0 && var.proxmox_vlan_id <= 4094
    error_message = "proxmox_vlan_id must be between 0 and 4094."
  }
}

variable "proxmox_network_firewall" {
  description = "Whether Proxmox's firewall is on for the network interface. Its rules are yours"
  type        = bool
  default     = false
}

variable "proxmox_home_bind_hook_script_id" {
  description = "The hookscript that makes the directory of a home, as a volume of a store with snippets"
  type        = string
  default     = "local:snippets/hakim-home-hook"
}

variable "proxmox_mount_sources" {
  description = "Beginnings of the volumes and paths that users may name as a mount source, as [\"local-lvm:\", \"/mnt/pve/data/coder-homes/\"]: whoever may name any can name another's home"
  type        = list(string)
  default     = []
}

variable "proxmox_shared_sources" {
  description = "Beginnings of the volumes and paths that all nodes have: with such a home a workspace may change its node"
  type        = list(string)
  default     = []
}

variable "task_timeout_sec" {
  description = "How long a task of Proxmox may take while the environment is put onto the container"
  type        = number
  default     = 300
}

variable "coder_wildcard_host" {
  description = "CODER_WILDCARD_ACCESS_URL of the Coder server, as *.coder.example.org: code-server's links to ports need it. Empty: there is none"
  type        = string
  default     = ""
}
