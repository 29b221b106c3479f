package main

import (
	"context"
	"errors"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/server/identity"
	"github.com/sallyport/sallyport/server/secret"
)

// checkHints are what an administrator does about what check found.
var checkHints = []struct {
	is   error
	hint string
}{
	{secret.ErrMissing, "write the secret there, alone, and chmod 600 it; or name another place"},
	{secret.ErrUnsafe, "chmod 600 it, and give it to whom the bastion runs as"},
	{connectors.ErrHostKey, "tls and tls_root_ca say whom to trust (tls: disable, on loopback and sockets alone); of hosts, host_keys, host_authorities or known_hosts"},
	{connectors.ErrCredential, "user, password or key of the resource are not what the target has"},
	{connectors.ErrUnreachable, "is the target up, is its address right, and may this machine reach it?"},
	{connectors.ErrProtocol, "is it a target of that kind, and tls as it speaks it?"},
	{identity.ErrUnavailable, "issuer is the URL before /.well-known/openid-configuration, which must answer from here"},
	{context.DeadlineExceeded, "it did not answer in time: is a firewall in between?"},
}

// checkHint is what to do about err, "" where its text says all.
func checkHint(err error) string {
	var h *hinted
	if errors.As(err, &h) {
		return h.hint
	}
	for _, c := range checkHints {
		if errors.Is(err, c.is) {
			return c.hint
		}
	}
	return ""
}
