# A Hakim workspace as a Docker container: the twin of ../hakim-proxmox. README.md says what can be set; each file here
# is one job. What both templates share is copied into both: Coder uploads one directory only.
terraform {
  # check blocks
  required_version = ">= 1.5"

  required_providers {
    coder = {
      source  = "coder/coder"
      version = ">= 2.13"
    }
    docker = {
      source  = "kreuzwerker/docker"
      version = ">= 3.0"
    }
  }
}

provider "docker" {
  host = var.docker_host != "" ? var.docker_host : null
}
