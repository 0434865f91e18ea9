# What is in the image: the variants of image/variants/, and an image of one's own. Between the marks scripts/variants
# writes; a new variant needs no hand here. The same in both templates.

data "coder_parameter" "image_variant" {
  name         = "image_variant"
  display_name = "Environment"
  description  = "What the image has. Changing it rebuilds the workspace."
  type         = "string"
  default      = "base"
  mutable      = true
  icon         = "/icon/debian.svg"
  order        = 1

  # options: begin
  option {
    name        = "Base"
    description = "Debian 13 with hakim-init, the services of a workspace and a command line to live in"
    value       = "base"
    icon        = "/icon/debian.svg"
  }
  option {
    name        = "PHP"
    description = "PHP 8.4 with composer, the usual extensions and Laravel's installer"
    value       = "php"
    icon        = "/icon/php.svg"
  }
  option {
    name        = ".NET"
    description = ".NET SDK 9"
    value       = "dotnet"
    icon        = "/icon/dotnet.svg"
  }
  option {
    name        = "JavaScript and TypeScript"
    description = "Node LTS, bun, pnpm and TypeScript"
    value       = "js"
    icon        = "/icon/node.svg"
  }
  option {
    name        = "Rust"
    description = "Rust with cargo, clippy, rustfmt and rust-analyzer"
    value       = "rust"
    icon        = "/icon/rust.svg"
  }
  option {
    name        = "Elixir"
    description = "Erlang/OTP 27 and Elixir with mix, Hex, Phoenix's generator and the PostgreSQL client"
    value       = "elixir"
    icon        = "/icon/elixir.svg"
  }
  # options: end
  option {
    name        = "Custom"
    description = "An image of your own, which you name below."
    value       = "custom"
    icon        = "/icon/widgets.svg"
  }
}

locals {
  custom = data.coder_parameter.image_variant.value == "custom"
}

# presets: begin
data "coder_workspace_preset" "base" {
  name        = "Base"
  description = "Debian 13 with hakim-init, the services of a workspace and a command line to live in"
  icon        = "/icon/debian.svg"
  default     = true
  parameters = {
    image_variant = "base"
    preview_port  = "3000"
  }
}

data "coder_workspace_preset" "php" {
  name        = "PHP"
  description = "PHP 8.4 with composer, the usual extensions and Laravel's installer"
  icon        = "/icon/php.svg"
  default     = false
  parameters = {
    image_variant = "php"
    preview_port  = "8000"
  }
}

data "coder_workspace_preset" "dotnet" {
  name        = ".NET"
  description = ".NET SDK 9"
  icon        = "/icon/dotnet.svg"
  default     = false
  parameters = {
    image_variant = "dotnet"
    preview_port  = "5000"
  }
}

data "coder_workspace_preset" "js" {
  name        = "JavaScript and TypeScript"
  description = "Node LTS, bun, pnpm and TypeScript"
  icon        = "/icon/node.svg"
  default     = false
  parameters = {
    image_variant = "js"
    preview_port  = "3000"
  }
}

data "coder_workspace_preset" "rust" {
  name        = "Rust"
  description = "Rust with cargo, clippy, rustfmt and rust-analyzer"
  icon        = "/icon/rust.svg"
  default     = false
  parameters = {
    image_variant = "rust"
    preview_port  = "3000"
  }
}

data "coder_workspace_preset" "elixir" {
  name        = "Elixir"
  description = "Erlang/OTP 27 and Elixir with mix, Hex, Phoenix's generator and the PostgreSQL client"
  icon        = "/icon/elixir.svg"
  default     = false
  parameters = {
    image_variant = "elixir"
    preview_port  = "4000"
  }
}
# presets: end
