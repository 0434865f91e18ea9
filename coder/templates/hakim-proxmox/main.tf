# A Hakim workspace as an unprivileged LXC container on Proxmox VE 9.1 or later. README.md says what can be set; each
# file here is one job. What this template shares with ../hakim is copied into both: Coder uploads one directory only.
terraform {
  # check blocks
  required_version = ">= 1.5"

  required_providers {
    coder = {
      source  = "coder/coder"
      version = ">= 2.13"
    }
    proxmox = {
      source = "bpg/proxmox"
      # host_managed
      version = ">= 0.105"
    }
  }
}

# One way or the other: the provider takes a token or a session, and Proxmox keeps some things for root@pam's session.
provider "proxmox" {
  endpoint  = var.proxmox_endpoint
  insecure  = var.proxmox_insecure
  api_token = local.root_session ? null : var.proxmox_api_token
  username  = local.root_session ? var.proxmox_username : null
  password  = local.root_session ? var.proxmox_password : null
}
