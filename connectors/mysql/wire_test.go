package mysql

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/mask"
)

// script is a line on which the target has said all that it will.
type script struct {
	net.Conn
	in  *bytes.Reader
	out bytes.Buffer
}

func (s *script) Read(b []byte) (int, error)  { return s.in.Read(b) }
func (s *script) Write(b []byte) (int, error) { return s.out.Write(b) }
func (s *script) Close() error                { return nil }

func packets(payloads ...string) []byte {
	var b []byte
	for i, p := range payloads {
		b = append(b, byte(len(p)), byte(len(p)>>8), byte(len(p)>>16), byte(i+1))
		b = append(b, p...)
	}
	return b
}

const (
	definition = "\x03def\x01d\x01t\x01t\x01c\x01c\x0c\x2d\x00\x10\x00\x00\x00\xfd\x00\x00\x00\x00\x00"
	eof        = "\xfe\x00\x00\x02\x00"
)

func TestAnswers(t *testing.T) {
	for name, x := range map[string]struct {
		packets []byte
		want    error
		text    string
	}{
		"rows":                {packets("\x01", definition, eof, "\x02ab", "\xfb", eof), nil, ""},
		"no rows":             {packets("\x00\x05\x00\x02\x00\x00\x00"), nil, ""},
		"an error":            {packets("\xff\x28\x04#42000no"), nil, "error 1064: no"},
		"an error after rows": {packets("\x01", definition, eof, "\x02ab", "\xff\x25\x05#70100gone"), nil, "error 1317: gone"},
		"wants a file":        {packets("\xfb/etc/passwd"), connectors.ErrProtocol, "not asked for"},
		"nothing":             {packets(""), connectors.ErrProtocol, ""},
		"too many columns":    {packets("\xfd\xff\xff\xff"), connectors.ErrProtocol, "impossible number"},
		"a short definition":  {packets("\x01", "\x03def\x01d"), connectors.ErrProtocol, "ends too early"},
		"no end":              {packets("\x01", definition, definition), connectors.ErrProtocol, "does not end"},
		"a row that is long":  {packets("\x01", definition, eof, "\x02ab\x01c"), connectors.ErrProtocol, "does not fit"},
		"a row that is short": {packets("\x01", definition, eof, "\x05ab"), connectors.ErrProtocol, "does not fit"},
		"a lie of a length":   {packets("\x01", definition, eof, "\xfe\xff\xff\xff\xff\xff\xff\xff\xff"), connectors.ErrProtocol, "does not fit"},
		"out of sequence":     {append(packets("\x01"), 1, 0, 0, 9, 'x'), connectors.ErrProtocol, "out of sequence"},
		"cut":                 {packets("\x01", definition)[:12], io.ErrUnexpectedEOF, ""},
		"too large a reply":   {append([]byte{0xff, 0xff, 0xff, 1}, make([]byte, 100)...), connectors.ErrProtocol, "more than 1 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWire(&script{in: bytes.NewReader(x.packets)})
			_, err := w.rows("select 1", 10)
			if x.want != nil && !errors.Is(err, x.want) || x.text == "" && x.want == nil && err != nil || x.text != "" && (err == nil || !strings.Contains(err.Error(), x.text)) {
				t.Errorf("%v, want %v %q", err, x.want, x.text)
			}
			if x.want != nil && !w.broken {
				t.Error("the line is still used")
			}
		})
	}
}

// Whatever a target says, nothing of it is taken for more than it is: values lie
// within the bytes that came, and reading ends.
func FuzzWire(f *testing.F) {
	f.Add(packets("\x01", definition, eof, "\x02ab", "\xfb", eof))
	f.Add(packets("\x00\x05\x00\x02\x00\x00\x00"))
	f.Add(packets("\xff\x28\x04#42000no"))
	f.Add(packets("\xfb/etc/passwd"))
	f.Fuzz(func(t *testing.T, said []byte) {
		s := &script{in: bytes.NewReader(said)}
		w := newWire(s)
		rows, err := w.rows("select 1", 100)
		total := 0
		for _, r := range rows {
			for _, v := range r {
				total += len(v)
			}
		}
		if total > len(said) {
			t.Errorf("%d bytes of values out of %d", total, len(said))
		}
		if sent := s.out.Bytes(); !bytes.Equal(sent, []byte("\x09\x00\x00\x00\x03select 1")) {
			t.Errorf("it made the gate send %q", sent)
		}
		var r *refusal
		if err == nil || errors.As(err, &r) || errors.Is(err, connectors.ErrProtocol) || lost(err) {
			return
		}
		t.Errorf("an error of no kind: %v", err)
	})
}

// Hostile greetings end in an error that says so, and the secret stays here.
func TestHostileGreetings(t *testing.T) {
	hello := func(plugin string) string {
		return "\x0a8.0.0\x00\x01\x00\x00\x00abcdefgh\x00\xff\xf7\x2d\x02\x00\xff\x81\x15" + strings.Repeat("\x00", 10) + "abcdefghijkl\x00" + plugin + "\x00"
	}
	ask := "\x01\x04" // full authentication
	for name, x := range map[string]struct {
		said []string
		want error
	}{
		"garbage":               {[]string{"HTTP/1.1 400 Bad Request"}, connectors.ErrProtocol},
		"short":                 {[]string{"\x0a8"}, connectors.ErrProtocol},
		"empty":                 {[]string{""}, connectors.ErrProtocol},
		"the secret in clear":   {[]string{hello("mysql_clear_password")}, connectors.ErrCredential},
		"a switch to clear":     {[]string{hello("mysql_native_password"), "\xfemysql_clear_password\x00"}, connectors.ErrCredential},
		"a key of its own":      {[]string{hello("caching_sha2_password"), ask}, connectors.ErrCredential},
		"sha256 without TLS":    {[]string{hello("sha256_password")}, connectors.ErrCredential},
		"a switch to sha256":    {[]string{hello("mysql_native_password"), "\xfesha256_password\x00abcdefghijklmnopqrst\x00"}, connectors.ErrCredential},
		"closed after greeting": {[]string{hello("mysql_native_password")}, connectors.ErrUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			const secret = "canary-Quince-5150"
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			got := make(chan string, 1)
			go func() {
				c, err := l.Accept()
				if err != nil {
					got <- ""
					return
				}
				defer c.Close()
				var all []byte
				for i, p := range x.said {
					_, _ = c.Write(append([]byte{byte(len(p)), byte(len(p) >> 8), 0, byte(i * 2)}, p...))
					b := make([]byte, 4096)
					_ = c.SetReadDeadline(time.Now().Add(2 * time.Second))
					n, _ := c.Read(b)
					all = append(all, b[:n]...)
				}
				got <- string(all)
			}()
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			_, err = New(Options{}).Open(ctx, connectors.Endpoint{Name: "m", Address: l.Addr().String(), User: "app", TLS: "disable"}, mask.NewSecret([]byte(secret)), &connectortest.Guard{})
			if !errors.Is(err, x.want) {
				t.Errorf("%v, want %v", err, x.want)
			}
			if sent := <-got; strings.Contains(sent, secret) || err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("the secret was sent or said: %q %v", sent, err)
			}
		})
	}
}
