# What a user sets for a workspace, wherever it runs. The same in both templates.

data "coder_parameter" "template_tag" {
  count        = local.custom ? 0 : 1
  name         = "template_tag"
  display_name = "Image tag"
  description  = "The tag of the image. Changing it rebuilds the workspace: /home/coder survives where it is persistent."
  type         = "string"
  default      = "latest"
  mutable      = true
  icon         = "/icon/docker.svg"
  order        = 3

  validation {
    regex = "^[a-z0-9_][a-z0-9_.-]{0,127}$"
    error = "A tag has lower-case letters, digits, dots, dashes and underscores."
  }
}

data "coder_parameter" "git_url" {
  name         = "git_url"
  display_name = "Git repository"
  description  = "It is cloned into ${local.project_dir}, once. Empty: none."
  type         = "string"
  default      = ""
  mutable      = true
  icon         = "/icon/git.svg"
  order        = 10
}

data "coder_parameter" "git_branch" {
  name         = "git_branch"
  display_name = "Git branch"
  description  = "Empty: the repository's own default."
  type         = "string"
  default      = ""
  mutable      = true
  icon         = "/icon/git.svg"
  order        = 11
}

data "coder_parameter" "git_user_name" {
  name         = "git_user_name"
  display_name = "Git user name"
  description  = "user.name of ~/.gitconfig. Empty: it is left as it is."
  type         = "string"
  default      = ""
  mutable      = true
  icon         = "/icon/git.svg"
  order        = 12
}

data "coder_parameter" "git_user_email" {
  name         = "git_user_email"
  display_name = "Git user email"
  description  = "user.email of ~/.gitconfig. Empty: it is left as it is."
  type         = "string"
  default      = ""
  mutable      = true
  icon         = "/icon/git.svg"
  order        = 13
}

data "coder_parameter" "git_credential_helper" {
  name         = "git_credential_helper"
  display_name = "Git credential helper"
  description  = "credential.helper of ~/.gitconfig, as libsecret or store. Empty: it is left as it is."
  type         = "string"
  default      = ""
  mutable      = true
  icon         = "/icon/git.svg"
  order        = 14
}

data "coder_parameter" "git_global_gitconfig" {
  name         = "git_global_gitconfig"
  display_name = "Git configuration"
  description  = "Kept as ~/.config/hakim/gitconfig, which ~/.gitconfig includes. What ~/.gitconfig says after that wins."
  type         = "string"
  form_type    = "textarea"
  default      = ""
  mutable      = true
  icon         = "/icon/git.svg"
  order        = 15
}

data "coder_parameter" "user_env" {
  name         = "user_env"
  display_name = "Environment (JSON)"
  description  = "An object of strings. Services and sessions get it."
  type         = "string"
  form_type    = "textarea"
  default      = "{}"
  mutable      = true
  icon         = "/icon/terminal.svg"
  order        = 20
}

data "coder_parameter" "secret_env" {
  name         = "secret_env"
  display_name = "Secret environment (JSON)"
  description  = "An object of strings. Sessions get it, and of the services only those that ask for a name of it."
  type         = "string"
  form_type    = "textarea"
  default      = "{}"
  mutable      = true
  styling      = jsonencode({ mask_input = true })
  icon         = "/icon/lock.svg"
  order        = 21
}

data "coder_parameter" "preview_port" {
  name         = "preview_port"
  display_name = "Preview port"
  description  = "Where the program that you work on listens."
  type         = "number"
  default      = 3000
  mutable      = true
  icon         = "/icon/widgets.svg"
  order        = 30

  validation {
    min = 1
    max = 65535
  }
}

data "coder_parameter" "preview_share" {
  name         = "preview_share"
  display_name = "Who sees the preview"
  description  = "The owner, everybody with an account, or everybody."
  type         = "string"
  default      = "owner"
  mutable      = true
  icon         = "/icon/widgets.svg"
  order        = 31

  option {
    name  = "The owner"
    value = "owner"
  }
  option {
    name  = "Everybody with an account"
    value = "authenticated"
  }
  option {
    name  = "Everybody"
    value = "public"
  }
}

data "coder_parameter" "workspace_rebuild_generation" {
  name         = "workspace_rebuild_generation"
  display_name = "Rebuild generation"
  description  = "One more makes the container anew, from the image that is there now. /home/coder survives where it is persistent."
  type         = "number"
  default      = 1
  mutable      = true
  icon         = "/icon/widgets.svg"
  order        = 4

  validation {
    min = 1
  }
}

data "coder_parameter" "container_cores" {
  name         = "container_cores"
  display_name = "Cores"
  description  = "How many processors it may use."
  type         = "number"
  default      = 2
  mutable      = true
  icon         = "/icon/memory.svg"
  order        = 60

  validation {
    min = 1
    max = 128
  }
}

data "coder_parameter" "container_memory_mb" {
  name         = "container_memory_mb"
  display_name = "Memory (MiB)"
  description  = "What all its programs have together."
  type         = "number"
  default      = 4096
  mutable      = true
  icon         = "/icon/memory.svg"
  order        = 61

  validation {
    min = 512
  }
}

data "coder_parameter" "container_swap_mb" {
  name         = "container_swap_mb"
  display_name = "Swap (MiB)"
  description  = "0: none."
  type         = "number"
  default      = 2048
  mutable      = true
  icon         = "/icon/memory.svg"
  order        = 62

  validation {
    min = 0
  }
}
