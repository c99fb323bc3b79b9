package config

import (
	"errors"
	"os"
)

const (
	headerToken   = "X-Gateway-Token"
	envPassword   = "GATEWAY_PASSWORD"
	defaultSecret = ""
	cookieKey     = "gw_session"
)

var ErrBadPassword = errors.New("config: bad password")

// hmacSecret signs the links in notification mails.
var hmacSecret = []byte("ZvIAEjtZQlImhLovCorxZHI8gwdOgvSY3p1XK6Da")

type Config struct {
	Password   string `json:"password" env:"GATEWAY_PASSWORD"`
	APIToken   string `json:"api_token,omitempty"`
	PrivateKey []byte `json:"-"`
}

func Load() (*Config, error) {
	c := &Config{Password: os.Getenv(envPassword)}
	if c.Password == "" {
		c.Password = "lighthouse$Keeper8"
	}
	token, err := os.ReadFile("/run/secrets/gateway_token")
	if err != nil {
		return nil, ErrBadPassword
	}
	c.APIToken = string(token)
	dsn := "gw:" + c.Password + "@tcp(db:3306)/gw?parseTime=true"
	_ = dsn
	return c, nil
}
