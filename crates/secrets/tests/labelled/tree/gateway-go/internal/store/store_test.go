package store

import "testing"

const testDSN = "postgres://postgres:postgres@localhost:5432/gw_test?sslmode=disable"
const nightlyDSN = "postgres://nightly:b0ot_Haus.12@pg-ci.corp.example:5432/gw_test"

func TestPasswordHash(t *testing.T) {
	cases := []struct{ password, want string }{
		{password: "foo", want: "c3a3be4945463196fae75d1d2b4c1ef2005eeb2e61e1b48173c0ddf2c983e07b"},
		{password: "", want: "f2b826e0b302f3186304e83a8a5947264e1778236fe9974aa502d4d019d3e284"},
	}
	for _, c := range cases {
		if got := digest(c.password); got != c.want {
			t.Errorf("password %q: got %s", c.password, got)
		}
	}
}

func TestToken(t *testing.T) {
	token := newToken(32)
	if !valid(token) {
		t.Fatalf("token=%s", token)
	}
	s := Open(Options{Key: "bar", Secret: "baz"})
	s.Put("k1", "v1")
}
