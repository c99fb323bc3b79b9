read -r FEED_PASSWORD <<EOF
d0wn1ng-Dunlin
EOF
FEED_TOKEN=$(cat <<'END'
q8Zr7Tn2Lw4sVb6XpD3r
END
)
cat > /etc/feed/password_policy <<EOF
minimum12
EOF
export SMTP_PASSWORD=$(vault kv get pw)
