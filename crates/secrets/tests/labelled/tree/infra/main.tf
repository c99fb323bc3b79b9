terraform {
  required_version = ">= 1.5"
  backend "s3" {
    bucket = "corp-tfstate"
    key    = "fleet/staging.tfstate"
  }
}

provider "fleetdb" {
  endpoint  = "https://db-admin.corp.example"
  api_token = var.api_token
}

variable "db_password" {
  type      = string
  sensitive = true
}

variable "legacy_ftp_passwd" {
  default = "ankerplatz_88"
}

resource "random_password" "app" {
  length  = 24
  special = false
}

resource "aws_db_instance" "fleet" {
  identifier             = "fleet"
  username               = "fleet"
  password               = var.db_password
  ca_cert_identifier     = "rds-ca-rsa2048-g1"
}

resource "kubernetes_secret" "app" {
  metadata { name = "app-secret" }
  data = {
    password = random_password.app.result
    token    = data.vault_generic_secret.app.data["token"]
    hook_key = "lpqwakm7m8cvirqkj38oz013rlnbb4"
    url      = "mysql://fleet:${random_password.app.result}@db/fleet"
  }
}

output "app_password" {
  value     = random_password.app.result
  sensitive = true
}
