package mssql

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/connectors/mssql/tdstest"
	"github.com/sallyport/sallyport/mask"
)

// peer answers every connection by f.
func peer(t *testing.T, f func(net.Conn)) connectors.Endpoint {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { f(c); _ = c.Close() }()
		}
	}()
	return connectors.Endpoint{Name: "hostile", Address: l.Addr().String(), User: "app", Database: "shop", TLS: "disable"}
}

// packet is a reply of one packet.
func packet(body ...byte) []byte {
	b := []byte{4, 1, 0, 0, 0, 0, 1, 0}
	binary.BigEndian.PutUint16(b[2:], uint16(len(body)+8))
	return append(b, body...)
}

// prelogged answers the pre-login, and then the login with b.
func prelogged(b []byte) func(net.Conn) {
	return func(c net.Conn) {
		buf := make([]byte, 4096)
		_, _ = c.Read(buf)
		_, _ = c.Write(packet(1, 0, 6, 0, 1, 0xff, 2)) // encryption: not supported
		_, _ = c.Read(buf)
		_, _ = c.Write(b)
		_, _ = io.Copy(io.Discard, c)
	}
}

// TestHostileLogin: each failure is told apart, none says the password, and nothing is
// left behind but what the library leaves of a flood.
func TestHostileLogin(t *testing.T) {
	for name, c := range map[string]struct {
		f    func(net.Conn)
		want error
	}{
		"closes at once": {func(net.Conn) {}, connectors.ErrUnreachable},
		"speaks HTTP": {func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n"+strings.Repeat("x", 70000))
		}, connectors.ErrProtocol},
		"a pre-login of 0":   {func(c net.Conn) { _, _ = c.Write(packet()); _, _ = io.Copy(io.Discard, c) }, connectors.ErrProtocol},
		"a packet too short": {func(c net.Conn) { _, _ = c.Write([]byte{4, 1, 0, 3, 0, 0, 1, 0}); _, _ = io.Copy(io.Discard, c) }, connectors.ErrProtocol},
		"offsets beyond": {func(c net.Conn) {
			_, _ = c.Write(packet(1, 0xff, 0xff, 0xff, 0xff, 0xff))
			_, _ = io.Copy(io.Discard, c)
		}, connectors.ErrProtocol},
		"an unknown token":    {prelogged(packet(0x42, 1, 2, 3)), connectors.ErrProtocol},
		"asks for Windows":    {prelogged(packet(0xed, 2, 0, 1, 2)), connectors.ErrProtocol},
		"no acknowledgement":  {prelogged(packet(0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)), connectors.ErrUnreachable},
		"an endless login":    {func(c net.Conn) { prelogged(nil)(endless{c}) }, connectors.ErrProtocol},
		"cuts the login off":  {func(c net.Conn) { prelogged(nil)(cutting{c}) }, connectors.ErrUnreachable},
		"says a size of null": {prelogged(packet(0xe3, 7, 0, 4, 1, '0', 0, 0)), connectors.ErrProtocol},
	} {
		t.Run(name, func(t *testing.T) {
			limit := 30 * time.Second
			if c.want == connectors.ErrUnreachable {
				limit = time.Second // one of these only ends with it, and it is that error, too
			}
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			conn, err := New(Options{}).Open(ctx, peer(t, c.f), mask.NewSecret([]byte(appPassword)), &connectortest.Guard{})
			if conn != nil {
				_ = conn.Close()
			}
			if !errors.Is(err, c.want) || strings.Contains(err.Error(), appPassword) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}

// endless never stops to answer the login.
type endless struct{ net.Conn }

func (c endless) Write(b []byte) (int, error) {
	if len(b) > 0 {
		return c.Conn.Write(b)
	}
	notice := append([]byte{0xab, 14, 0, 0, 0, 0, 0, 0, 0, 1, 0, 'x', 0, 0, 0}, 0, 0, 0, 0)
	p := packet(bytes.Repeat(notice, 50)...)
	p[1] = 0 // more follows
	for {
		if _, err := c.Conn.Write(p); err != nil {
			return 0, err
		}
	}
}

// cutting ends where the login is to be answered.
type cutting struct{ net.Conn }

func (c cutting) Write(b []byte) (int, error) {
	if len(b) > 0 {
		return c.Conn.Write(b)
	}
	return 0, c.Close()
}

// TestHangs: a target that says nothing costs the time that the caller gives it.
func TestHangs(t *testing.T) {
	for name, f := range map[string]func(net.Conn){
		"at once":         func(c net.Conn) { _, _ = io.Copy(io.Discard, c) },
		"after pre-login": prelogged(nil),
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		_, err := New(Options{}).Open(ctx, peer(t, f), mask.NewSecret([]byte(appPassword)), &connectortest.Guard{})
		cancel()
		if !errors.Is(err, connectors.ErrUnreachable) || !strings.Contains(err.Error(), "in time") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// one is the description of one column x: of type nvarchar(max), text or variant.
func one(info ...byte) []byte {
	b := append([]byte{0x81, 1, 0, 0, 0, 0, 0, 9, 0}, info...)
	return append(b, 1, 'x', 0)
}

var (
	maxColumn = one(0xe7, 0xff, 0xff, 9, 4, 0xd0, 0, 0x34)
	intColumn = one(0x26, 4)
	finished  = []byte{0xfd, 0x10, 0, 0xc1, 0, 1, 0, 0, 0, 0, 0, 0, 0}
)

func joined(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// large is a value of n characters in parts.
func large(n int) []byte {
	b := []byte{0xd1, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	part := bytes.Repeat([]byte{'x', 0}, 32<<10)
	for n > 0 {
		k := min(2*n, len(part))
		b = binary.LittleEndian.AppendUint32(b, uint32(k))
		b = append(b, part[:k]...)
		n -= k / 2
	}
	return append(b, 0, 0, 0, 0)
}

// TestHostileAnswers: what breaks the protocol ends the session with a word of that,
// and what is too large is refused; no memory is taken for what was only announced.
func TestHostileAnswers(t *testing.T) {
	if testing.Short() {
		t.Skip("it moves 100 MB")
	}
	claims := joined(maxColumn, []byte{0xd1, 0, 0, 0, 0x40, 0, 0, 0, 0}, []byte{0, 0, 0, 0}, finished) // a gigabyte, and then nothing
	raw := map[string][]byte{
		"SELECT 1 AS a": joined(maxColumn, large(5<<20), finished),
		"SELECT 1 AS b": joined(maxColumn, large(40<<20), finished),
		"SELECT 1 AS c": joined(intColumn, []byte{0xd1, 4, 1, 0, 0, 0, 0x42}),
		"SELECT 1 AS d": {0x81, 0xfe, 0xff},
		"SELECT 1 AS e": joined(one(0x99), finished),
		"SELECT 1 AS f": joined(intColumn, []byte{0xd1, 3, 1, 0, 0}, finished),
		"SELECT 1 AS g": joined([]byte{0xe3, 7, 0, 4, 1, '8', 0, 0}, intColumn, []byte{0xd1, 4, 1, 0, 0, 0}, finished),
		"SELECT 1 AS h": claims,
		"SELECT 1 AS i": {},
		"SELECT 1 AS j": joined(maxColumn, large(4<<20), finished),
		"SELECT 1 AS k": joined(intColumn, []byte{0xd2, 0xff}, finished),
		"SELECT 1 AS l": {0xaa, 0xff, 0xff, 1, 0, 0, 0, 1, 16, 0xff, 0xff, 'x', 0},
	}
	s := server(t, tdstest.Options{Raw: raw})
	for text, want := range map[string]error{
		"SELECT 1 AS b": connectors.ErrProtocol, "SELECT 1 AS c": connectors.ErrProtocol, "SELECT 1 AS d": connectors.ErrProtocol,
		"SELECT 1 AS e": connectors.ErrProtocol, "SELECT 1 AS f": connectors.ErrProtocol, "SELECT 1 AS g": connectors.ErrProtocol, "SELECT 1 AS h": nil, "SELECT 1 AS i": connectors.ErrProtocol,
		"SELECT 1 AS j": nil, "SELECT 1 AS k": nil, "SELECT 1 AS l": connectors.ErrProtocol,
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		c := open(t, endpoint(s), &connectortest.Guard{})
		_, err := ask(t, c, &connectortest.Guard{}, text)
		if text == "SELECT 1 AS g" && err == nil { // a packet size of 8: it shows at the next statement
			_, err = ask(t, c, &connectortest.Guard{}, "SELECT 1 AS z")
		}
		runtime.ReadMemStats(&after)
		var te *connectors.TargetError
		if text == "SELECT 1 AS a" && errors.As(err, &te) && te.Code == "too large" {
			err = nil
		} else if text == "SELECT 1 AS a" {
			t.Errorf("%s: %v, want that a value is too large", text, err)
		}
		if (want == nil) != (err == nil) || !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", text, err, want)
		}
		if err := c.Close(); err != nil {
			t.Errorf("%s: close: %v", text, err)
		}
	}
}
