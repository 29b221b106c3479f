package http

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/sallyport/sallyport/connectors"
)

// dialer connects to what a name leads to, and to no address that the
// configuration does not permit. The address is looked at when it is connected to:
// what a name led to before does not count.
func dialer(e connectors.Endpoint) func(ctx context.Context, network, address string) (net.Conn, error) {
	if e.Dial != nil {
		return e.Dial
	}
	d := &net.Dialer{Timeout: 15 * time.Second, ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
		return permitted(address, e.HTTP)
	}}
	return d.DialContext
}

// blockedAddress is an address that is not connected to.
type blockedAddress struct{ address, what, permit string }

func (b *blockedAddress) Error() string {
	return fmt.Sprintf("it leads to %s, %s, and its configuration does not permit that (%s)", b.address, b.what, b.permit)
}

// permitted says why an address, ip:port, may not be connected to.
func permitted(address string, t *connectors.HTTPTarget) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return &blockedAddress{address: address, what: "which is no address", permit: "none would"}
	}
	a := ap.Addr()
	for range 4 { // an address within an address
		inner := embeddedAddress(a.WithZone("").Unmap())
		if inner == a {
			break
		}
		a = inner
	}
	switch {
	case a.IsLoopback(), a.IsUnspecified(), a.Is4() && a.As4()[0] == 0:
		if !t.Loopback {
			return &blockedAddress{a.String(), "the bastion itself", "allow_loopback"}
		}
	case a.IsLinkLocalUnicast(), metadata[a]:
		if !t.LinkLocal {
			return &blockedAddress{a.String(), "a link-local address, where clouds keep metadata and credentials", "allow_link_local"}
		}
	case a.IsMulticast(), a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return &blockedAddress{a.String(), "an address of many hosts", "none would"}
	}
	return nil
}

// metadata are addresses of clouds' metadata services that are not link-local.
var metadata = map[netip.Addr]bool{
	netip.MustParseAddr("fd00:ec2::254"):   true, // Amazon
	netip.MustParseAddr("100.100.100.200"): true, // Alibaba
	netip.MustParseAddr("168.63.129.16"):   true, // Azure
	netip.MustParseAddr("192.0.0.192"):     true, // Oracle
}

var (
	nat64      = netip.MustParsePrefix("64:ff9b::/96")
	nat64Local = netip.MustParsePrefix("64:ff9b:1::/48")
	sixToFour  = netip.MustParsePrefix("2002::/16")
	compatible = netip.MustParsePrefix("::/96")
)

// embeddedAddress is the IPv4 address that a translator or router would make of an
// IPv6 one, or the address itself.
func embeddedAddress(a netip.Addr) netip.Addr {
	b := a.As16()
	switch {
	case a.Is4():
		return a
	case nat64.Contains(a), nat64Local.Contains(a):
		return netip.AddrFrom4([4]byte(b[12:16]))
	case sixToFour.Contains(a):
		return netip.AddrFrom4([4]byte(b[2:6]))
	case compatible.Contains(a) && !a.IsUnspecified() && !a.IsLoopback():
		return netip.AddrFrom4([4]byte(b[12:16]))
	}
	return a
}
