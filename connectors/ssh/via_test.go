package ssh

import (
	"fmt"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/ssh/sshdtest"
)

// A host on the way that is signed in to by certificate lets through what goes to
// the target, whether or not it has forwards of its own.
func TestViaByCertificate(t *testing.T) {
	people := newAuthority(t)
	jump := sshdtest.StartWith(t, func(dir string) string {
		write(t, dir, "people.pub", []byte(people.line))
		return fmt.Sprintf("TrustedUserCAKeys %s/people.pub\n", dir)
	})
	target := sshdtest.Start(t)
	via := viaOf(jump)
	via.Endpoint.Certify, via.Secret = &connectors.Certify{}, always(people.private)
	e := connectors.Endpoint{Name: "db-1", Address: target.Address, User: target.User, HostKeys: []string{target.HostKey}, Via: via}
	c, err := New(Options{}).Open(t.Context(), e, secretOf(target.PrivateKey), allow())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := exec(t, c, allow()); err != nil {
		t.Error(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}
