package http

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/mask"
)

// TestPermitted: what may be connected to, whatever the address is written as.
func TestPermitted(t *testing.T) {
	const none, loopback, link = 0, 1, 2
	for address, needs := range map[string]int{
		"93.184.216.34": none, "10.0.0.7": none, "192.168.1.1": none, "2001:db8::1": none, "fd12::1": none,
		"127.0.0.1": loopback, "127.8.8.8": loopback, "::1": loopback, "0.0.0.0": loopback, "0.1.2.3": loopback, "::": loopback,
		"::ffff:127.0.0.1": loopback, "::ffff:0.0.0.0": loopback, "::127.0.0.1": loopback, "64:ff9b::127.0.0.1": loopback, "2002:7f00:1::": loopback,
		"169.254.169.254": link, "169.254.0.1": link, "fe80::1": link, "fe80::1%eth0": link, "::ffff:169.254.169.254": link,
		"64:ff9b::a9fe:a9fe": link, "64:ff9b:1::a9fe:a9fe": link, "2002:a9fe:a9fe::": link, "fd00:ec2::254": link, "100.100.100.200": link, "168.63.129.16": link,
		"192.0.0.192": link, "64:ff9b::100.100.100.200": link,
		"224.0.0.1": 4, "ff02::1": 4, "255.255.255.255": 4,
	} {
		at := net.JoinHostPort(address, "80")
		for granted := range 4 {
			h := &connectors.HTTPTarget{Loopback: granted&loopback != 0, LinkLocal: granted&link != 0}
			if err := permitted(at, h); (err == nil) != (needs&^granted == 0) {
				t.Errorf("%s with loopback %t, link-local %t: %v", address, h.Loopback, h.LinkLocal, err)
			}
		}
	}
	if permitted("nonsense", &connectors.HTTPTarget{Loopback: true, LinkLocal: true}) == nil {
		t.Error("what is no address is connected to")
	}
}

// TestNoRebinding: the address that a name leads to is looked at when it is
// connected to, at every connection: a name that led elsewhere before does not help.
func TestNoRebinding(t *testing.T) {
	s := newService("")
	e := start(t, s, nil, nil)
	port := e.Address[strings.LastIndex(e.Address, ":"):]
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "127.1"} {
		e := e
		e.Address, e.HTTP = "http://"+host+port, &connectors.HTTPTarget{}
		_, err := New().Open(t.Context(), e, mask.Secret{}, &connectortest.Guard{})
		if !errors.Is(err, connectors.ErrUnreachable) {
			t.Errorf("%s: %v", host, err)
		}
		if host != "127.1" && !strings.Contains(fmt.Sprint(err), "allow_loopback") { // which resolvers may not know
			t.Errorf("%s: %v does not say what would permit it", host, err)
		}
	}
	// The connection was permitted, and is no longer: nothing is remembered.
	e.HTTP = &connectors.HTTPTarget{Loopback: true}
	conn, err := New().Open(t.Context(), e, mask.Secret{}, &connectortest.Guard{})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	e.HTTP.Loopback = false
	err = conn.(connectors.Requester).Request(t.Context(), &connectortest.Guard{}, "GET /read\n\n", &shown{})
	if !errors.Is(err, connectors.ErrUnreachable) || s.effects.Load() != 0 {
		t.Errorf("request: %v", err)
	}
}
