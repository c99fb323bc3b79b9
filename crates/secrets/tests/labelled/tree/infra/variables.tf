variable "relay_password" {
  type    = string
  default = "Lachs/Wehr+1904"
}
variable "password_length" {
  default = "24"
}
variable "token_issuer" {
  default = "https://id.corp.example"
}
