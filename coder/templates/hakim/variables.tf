# What the template's administrator sets, once (coder templates push --variable NAME=VALUE).

variable "docker_host" {
  description = "Where Docker is, as unix:///var/run/docker.sock or ssh://user@host; empty: where the provisioner is"
  type        = string
  default     = ""
}

variable "docker_socket" {
  description = "A Docker socket of the host that workspaces get, as /var/run/docker.sock: whoever has it is root on the host. Empty: none"
  type        = string
  default     = ""
}

variable "image_registry" {
  description = "Where the images are"
  type        = string
  default     = "ghcr.io/shekohex"
}

variable "coder_wildcard_host" {
  description = "CODER_WILDCARD_ACCESS_URL of the Coder server, as *.coder.example.org: code-server's links to ports need it. Empty: there is none"
  type        = string
  default     = ""
}
