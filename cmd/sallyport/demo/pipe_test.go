package demo

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// Both sides may write before either reads, as SSH's version lines do.
func TestPipeHoldsAGreeting(t *testing.T) {
	a, b := pipe()
	for _, c := range []net.Conn{a, b} {
		if _, err := c.Write([]byte("SSH-2.0-x\r\n")); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []net.Conn{a, b} {
		got := make([]byte, 11)
		if _, err := io.ReadFull(c, got); err != nil || string(got) != "SSH-2.0-x\r\n" {
			t.Errorf("%q, %v", got, err)
		}
	}
}

func TestPipeIsBoundedAndWhole(t *testing.T) {
	a, b := pipe()
	if err := a.SetWriteDeadline(time.Now().Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	if n, err := a.Write([]byte("x")); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("past its deadline: %d, %v", n, err)
	}
	if err := a.SetWriteDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	sent := bytes.Repeat([]byte("0123456789abcdef"), 40_000)
	go func() {
		_, _ = a.Write(sent)
		_ = a.Close()
	}()
	got, err := io.ReadAll(b)
	if err != nil || !bytes.Equal(got, sent) {
		t.Errorf("%d of %d bytes, %v", len(got), len(sent), err)
	}
	if n := cap(b.(*conn).in.buf); n > 2*pipeSize {
		t.Errorf("the pipe held %d bytes", n)
	}
	if _, err := b.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("write to a closed peer: %v", err)
	}
}

func TestPipeWakesWhoWaits(t *testing.T) {
	for name, wake := range map[string]func(c, peer net.Conn){
		"close":      func(c, _ net.Conn) { _ = c.Close() },
		"peer close": func(_, peer net.Conn) { _ = peer.Close() },
		"deadline":   func(c, _ net.Conn) { _ = c.SetDeadline(time.Now()) },
		"later":      func(c, _ net.Conn) { _ = c.SetDeadline(time.Now().Add(time.Millisecond)) },
	} {
		t.Run(name, func(t *testing.T) {
			a, b := pipe()
			ends := make(chan error, 2)
			go func() { _, err := a.Read(make([]byte, 1)); ends <- err }()
			go func() { _, err := a.Write(make([]byte, 2*pipeSize)); ends <- err }()
			wake(a, b)
			for range 2 {
				if err := <-ends; err == nil {
					t.Error("ended without an error")
				}
			}
		})
	}
}

func TestListener(t *testing.T) {
	l := NewListener()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Dial(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("dial with nobody there: %v", err)
	}
	if err := errors.Join(l.Close(), l.Close()); err != nil {
		t.Error(err)
	}
	if _, err := l.Dial(t.Context()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("dial when closed: %v", err)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept when closed: %v", err)
	}
}

// However it is cut into writes and reads, what arrives is what was sent.
func FuzzPipe(f *testing.F) {
	f.Add([]byte("hello"), uint16(3), uint16(2))
	f.Add(bytes.Repeat([]byte("x"), 3*pipeSize), uint16(60000), uint16(7))
	f.Fuzz(func(t *testing.T, sent []byte, write, read uint16) {
		a, b := pipe()
		go func() {
			for rest := sent; len(rest) > 0; {
				n := min(int(write)+1, len(rest))
				_, _ = a.Write(rest[:n])
				rest = rest[n:]
			}
			_ = a.Close()
		}()
		var got []byte
		buf := make([]byte, int(read)+1)
		for {
			n, err := b.Read(buf)
			got = append(got, buf[:n]...)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(got, sent) {
			t.Errorf("%d of %d bytes arrived, or others", len(got), len(sent))
		}
	})
}
