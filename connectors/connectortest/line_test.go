package connectortest

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// TestLine: so many bytes pass, and then happens what was asked for.
func TestLine(t *testing.T) {
	const total, after = 100_000, 12_345
	sent := bytes.Repeat([]byte{7}, total)
	for name, c := range map[string]struct {
		what trouble
		want []byte
		end  bool // the connection does
	}{
		"none":    {none, sent, true},
		"cut":     {cut, sent[:after], true},
		"corrupt": {corrupt, append(bytes.Clone(sent[:after]), make([]byte, total-after)...), true},
		"inflate": {inflate, append(bytes.Clone(sent[:after]), bytes.Repeat([]byte{0x7f}, total-after)...), true},
		"stall":   {stall, sent[:after], false},
	} {
		t.Run(name, func(t *testing.T) {
			gone := make(chan struct{})
			l := &line{next: talker(func(c net.Conn) {
				_, _ = c.Write(sent)
				_ = c.(*net.TCPConn).CloseWrite()
				wait(c)
				close(gone)
			})}
			l.fail(c.what, after)
			near, err := l.dial(t.Context(), "", "")
			if err != nil {
				t.Fatal(err)
			}
			got := make([]byte, len(c.want))
			if _, err := io.ReadFull(near, got); err != nil || !bytes.Equal(got, c.want) {
				t.Errorf("%v, or other bytes", err)
			}
			if c.end {
				if n, err := near.Read(make([]byte, 1)); err != io.EOF {
					t.Errorf("then came %d bytes, %v", n, err)
				}
			} else {
				_ = near.SetReadDeadline(time.Unix(1, 0))
				if _, err := near.Read(make([]byte, 1)); !os.IsTimeout(err) {
					t.Errorf("then came %v", err)
				}
				side, err := l.dial(context.Background(), "", "")
				if err != nil {
					t.Fatal(err)
				}
				if _, err := side.Write([]byte("cancel")); err != nil {
					t.Error(err)
				}
				_ = side.Close()
			}
			if l.hasFailed() != (c.what != none) {
				t.Errorf("it failed: %v", l.hasFailed())
			}
			_ = near.Close()
			select {
			case <-gone: // whoever leaves is gone at the target, too
			case <-time.After(patience):
				t.Error("the target's side stays open")
			}
		})
	}
}
