# Coder's own modules of the registry: each sets something up once and runs nothing. The same in both templates.

data "coder_parameter" "enable_coder_login" {
  name         = "enable_coder_login"
  display_name = "Log in to Coder"
  description  = "The coder command in the workspace is logged in."
  type         = "bool"
  default      = true
  mutable      = true
  icon         = "/icon/coder.svg"
  order        = 80
}

data "coder_parameter" "enable_git_commit_signing" {
  name         = "enable_git_commit_signing"
  display_name = "Sign commits"
  description  = "Git signs with the SSH key that Coder has for you."
  type         = "bool"
  default      = false
  mutable      = true
  icon         = "/icon/git.svg"
  order        = 81
}

data "coder_parameter" "enable_zed" {
  name         = "enable_zed"
  display_name = "Zed"
  description  = "A button that opens the project in Zed on your machine."
  type         = "bool"
  default      = true
  mutable      = true
  icon         = "/icon/zed.svg"
  order        = 82
}

data "coder_parameter" "enable_vault" {
  name         = "enable_vault"
  display_name = "Vault"
  description  = "Installs Vault's command and logs it in by GitHub."
  type         = "bool"
  default      = false
  mutable      = true
  icon         = "/icon/vault.svg"
  order        = 83
}

data "coder_parameter" "vault_addr" {
  count        = local.vault ? 1 : 0
  name         = "vault_addr"
  display_name = "Vault address"
  description  = "As https://vault.example.com:8200."
  type         = "string"
  default      = "http://vault:8200"
  mutable      = true
  icon         = "/icon/vault.svg"
  order        = 84

  validation {
    regex = "^https?://.+"
    error = "The address begins with http:// or https://."
  }
}

data "coder_parameter" "vault_github_auth_id" {
  count        = local.vault ? 1 : 0
  name         = "vault_github_auth_id"
  display_name = "Vault's GitHub authentication"
  description  = "The id of Coder's external authentication that Vault trusts."
  type         = "string"
  default      = "github"
  mutable      = true
  icon         = "/icon/github.svg"
  order        = 85
}

locals {
  vault = tobool(data.coder_parameter.enable_vault.value)
}

# It has a parameter of its own, dotfiles_uri; without a repository it does nothing.
module "dotfiles" {
  count    = local.agents
  source   = "registry.coder.com/coder/dotfiles/coder"
  version  = "~> 1.0"
  agent_id = coder_agent.main[0].id
}

module "coder_login" {
  count    = tobool(data.coder_parameter.enable_coder_login.value) ? local.agents : 0
  source   = "registry.coder.com/coder/coder-login/coder"
  version  = "~> 1.0"
  agent_id = coder_agent.main[0].id
}

module "git_commit_signing" {
  count    = tobool(data.coder_parameter.enable_git_commit_signing.value) ? local.agents : 0
  source   = "registry.coder.com/coder/git-commit-signing/coder"
  version  = "~> 1.0"
  agent_id = coder_agent.main[0].id
}

module "zed" {
  count    = tobool(data.coder_parameter.enable_zed.value) ? local.agents : 0
  source   = "registry.coder.com/coder/zed/coder"
  version  = "~> 1.0"
  agent_id = coder_agent.main[0].id
  folder   = local.project_dir
}

module "vault" {
  count                = local.vault ? local.agents : 0
  source               = "registry.coder.com/coder/vault-github/coder"
  version              = "~> 1.0"
  agent_id             = coder_agent.main[0].id
  vault_addr           = data.coder_parameter.vault_addr[0].value
  coder_github_auth_id = data.coder_parameter.vault_github_auth_id[0].value
}
