resource "helm_release" "db" {
  set_sensitive {
    name  = "auth.rootPassword"
    type  = "string"
    value = "Gr3be.diving"
  }
  set {
    value = "Gr3be.diving_2"
    name  = "auth.replicationPassword"
  }
  set {
    name  = "auth.existingSecret"
    value = "tide-db-secret"
  }
}
