credentials += Credentials(Path.userHome / ".sbt" / ".credentials")

credentials += Credentials(
  "Corp Artifact Repository",
  "registry.example",
  "publisher",
  "w4lnuss-Eiche"
)

credentials ++= (for {
  user <- sys.env.get("REPO_USER")
  password <- sys.env.get("REPO_PASSWORD")
} yield Credentials("Corp", "registry.example", user, password)).toSeq

pgpPassphrase := sys.env.get("PGP_PASSPHRASE").map(_.toArray)
pgpSigningKey := Some("0x9FAF915AA3C7DFDFA86D0526A4A3370D084DCB0B")
publishTo := Some("corp" at "https://registry.example/releases")
