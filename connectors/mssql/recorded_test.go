package mssql

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/connectors/mssql/tdstest"
	"github.com/sallyport/sallyport/mask"
)

// TestRecorded reads what SQL Server 2025 answered to a login and to a batch, and what
// Azure SQL answers to a login, as they were recorded.
func TestRecorded(t *testing.T) {
	p, published := transcript(t, "testdata/recorded.txt"), published(t)
	const text = "SELECT CAST(42 AS int) AS answer, CAST('hello' AS nvarchar(20)) AS greeting, CAST(1.5 AS float) AS ratio, CAST(NULL AS int) AS missing"
	// The client of that one had asked for encrypted columns, after which all answers would
	// have more to say of theirs; ours never does.
	azure := bytes.Replace(published["4.21 login response of Azure SQL"][8:], []byte{4, 1, 0, 0, 0, 1, 5, 1}, []byte{5, 1}, 1)
	for name, login := range map[string][]byte{"2025": p["2025 login response"], "Azure": azure} {
		s := server(t, tdstest.Options{RawLogin: login, Raw: map[string][]byte{text: p["2025 batch response"], "EXEC p": published["4.18 response with session state"][8:]}})
		c := open(t, endpoint(s), &connectortest.Guard{})
		r, err := c.Query(t.Context(), &connectortest.Guard{}, connectors.Statement{Text: text})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for i, want := range []connectors.Column{{Name: "answer", Type: "int"}, {Name: "greeting", Type: "nvarchar(20)"}, {Name: "ratio", Type: "float"}, {Name: "missing", Type: "int"}} {
			if got := r.Columns()[i]; got.Name != want.Name || got.Type != want.Type {
				t.Errorf("%s: column %s of %s, want %s of %s", name, got.Name, got.Type, want.Name, want.Type)
			}
		}
		rows, err := r.Batch(t.Context(), 10)
		if err != nil || len(rows) != 1 || rows[0][0].Text != "42" || rows[0][1].Text != "hello" || rows[0][2].Text != "1.5" || !rows[0][3].Null {
			t.Errorf("%s: %v, %v", name, rows, err)
		}
		if _, err := r.Batch(t.Context(), 10); !errors.Is(err, io.EOF) || r.Summary().Tag != "SELECT 1" {
			t.Errorf("%s: %v, %q", name, err, r.Summary().Tag)
		}
		_ = r.Close()
		// What a session's state is was not asked for.
		if _, err := ask(t, c, anything(), "EXEC p"); !errors.Is(err, connectors.ErrProtocol) {
			t.Errorf("%s: a session's state: %v", name, err)
		}
	}
}

// TestRecordedPrelogin answers with the pre-logins of real servers: whatever they say, the
// next that they get is the beginning of TLS, and no login in clear.
func TestRecordedPrelogin(t *testing.T) {
	p := transcript(t, "testdata/recorded.txt")
	for _, k := range []struct {
		name, tls string
		want      error
	}{
		{"2025 pre-login response", "disable", connectors.ErrUnreachable}, {"2012 pre-login response", "disable", connectors.ErrUnreachable},
		{"2012 pre-login response", "require", connectors.ErrUnreachable}, {"2025 pre-login response", "require", connectors.ErrHostKey}, // which answers one that asked for less
	} {
		next := make(chan []byte, 1)
		e := peer(t, func(c net.Conn) {
			asked, err := readPacket(c)
			if err != nil || asked[0] != 18 {
				next <- asked
				return
			}
			_, _ = c.Write(p[k.name])
			answer, _ := readPacket(c)
			next <- answer
		})
		e.TLS = k.tls
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		_, err := New(Options{}).Open(ctx, e, mask.NewSecret([]byte(appPassword)), &connectortest.Guard{})
		cancel()
		got := <-next
		if !errors.Is(err, k.want) {
			t.Errorf("%s, tls %s: %v, want %v", k.name, k.tls, err, k.want)
		}
		switch {
		case k.want == connectors.ErrHostKey && len(got) > 0:
			t.Errorf("%s, tls %s: it goes on with % x", k.name, k.tls, got[:min(len(got), 16)])
		case k.want != connectors.ErrHostKey && (len(got) < 20 || got[0] != 18 || got[8] != 22): // a handshake in a pre-login
			t.Errorf("%s, tls %s: % x is no beginning of TLS", k.name, k.tls, got[:min(len(got), 16)])
		}
	}
}

func readPacket(c net.Conn) ([]byte, error) {
	head := make([]byte, 8)
	if _, err := io.ReadFull(c, head); err != nil {
		return nil, err
	}
	b := append(head, make([]byte, max(0, int(binary.BigEndian.Uint16(head[2:]))-8))...)
	_, err := io.ReadFull(c, b[8:])
	return b, err
}
