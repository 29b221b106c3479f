package main

import (
	"bytes"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// A target said more than its answer was long, and net/http wrote what it said into the
// process's log, where no mask is.
func TestUnsolicited(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	read := make(chan struct{})
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		_, _ = c.Read(make([]byte, 4096))
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		<-read // the line is idle, or about to be
		_, _ = io.WriteString(c, "person17@secret.example")
		_, _ = c.Read(make([]byte, 1))
	}()
	said := make(chan string, 1)
	var text bytes.Buffer
	before := log.Writer()
	defer func() { log.SetOutput(before) }()
	log.SetOutput(libraryLog{writerFunc(func(b []byte) (int, error) {
		if n, err := text.Write(b); strings.Contains(text.String(), "Unsolicited") {
			select {
			case said <- text.String():
			default:
			}
			return n, err
		}
		return len(b), nil
	})})
	res, err := (&http.Client{Transport: &http.Transport{}}).Get("http://" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	close(read)
	select {
	case s := <-said:
		if strings.Contains(s, "secret.example") {
			t.Errorf("the log says %q", s)
		}
	case <-time.After(patience):
		t.Fatal("net/http says nothing of it any more: libraryLog has no purpose")
	}
}

type writerFunc func(b []byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }
