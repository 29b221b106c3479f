package audit

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

const (
	dialTimeout = 10 * time.Second
	// priority is facility 13, log audit, and severity 5, notice (RFC 5424, 6.2.1).
	priority = 13*8 + 5
	// maxDatagram is what a datagram holds, the header aside.
	maxDatagram = 65507 - 512
)

// Syslog sends RFC 5424 messages: a datagram each over UDP and Unix sockets, with
// their length in front (RFC 6587, 3.4.1; RFC 5425) over TCP and TLS.
type Syslog struct {
	scheme, address string
	app, host, pid  string
	conn            net.Conn
	stream          bool // octet counting
}

// NewSyslog returns the Out of an address: udp://, tcp://, tls:// or unix://.
func NewSyslog(address, app string) (*Syslog, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("syslog: the address is malformed")
	}
	s := &Syslog{scheme: u.Scheme, address: u.Host, app: field(app, 48), pid: strconv.Itoa(os.Getpid())}
	if u.Scheme == "unix" {
		s.address = u.Path
	}
	host, err := os.Hostname()
	if s.host = field(host, 255); err != nil {
		s.host = "-"
	}
	return s, nil
}

// field is a header's: printable ASCII without spaces.
func field(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return '_'
		}
		return r
	}, s)
	if s == "" {
		return "-"
	}
	return s[:min(len(s), most)]
}

// Send implements Out. A connection that was lost is made anew, and the batch is
// sent from its beginning.
func (s *Syslog) Send(ctx context.Context, lines [][]byte) error {
	err := s.dial(ctx)
	if err == nil {
		err = s.write(ctx, lines)
	}
	if err != nil {
		return fmt.Errorf("syslog: %w", errors.Join(err, s.Close()))
	}
	return nil
}

func (s *Syslog) dial(ctx context.Context) (err error) {
	if s.conn != nil && !s.gone() {
		return nil
	}
	if err := s.Close(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	d := new(net.Dialer)
	s.stream = s.scheme == "tcp" || s.scheme == "tls"
	switch s.scheme {
	case "tls":
		s.conn, err = (&tls.Dialer{NetDialer: d}).DialContext(ctx, "tcp", s.address)
	case "unix":
		if s.conn, err = d.DialContext(ctx, "unixgram", s.address); err != nil {
			s.conn, err = d.DialContext(ctx, "unix", s.address)
			s.stream = true
		}
	default:
		s.conn, err = d.DialContext(ctx, s.scheme, s.address)
	}
	if err != nil {
		s.conn = nil
	}
	return err
}

// gone says whether the server has closed a stream: what is written to it then is
// lost without an error. Servers send nothing.
func (s *Syslog) gone() bool {
	if !s.stream {
		return false
	}
	if err := s.conn.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
		return true
	}
	_, err := s.conn.Read(make([]byte, 1))
	var timeout net.Error
	return err != nil && !(errors.As(err, &timeout) && timeout.Timeout())
}

func (s *Syslog) write(ctx context.Context, lines [][]byte) error {
	deadline := time.Now().Add(dialTimeout)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	if err := s.conn.SetWriteDeadline(deadline); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = s.conn.SetWriteDeadline(time.Now()) }) // it fails where the connection is gone
	defer stop()
	var all bytes.Buffer
	for _, l := range lines {
		m := s.message(l)
		if s.stream {
			fmt.Fprintf(&all, "%d %s", len(m), m)
		} else if _, err := s.conn.Write(m); err != nil {
			return err
		}
	}
	if !s.stream {
		return nil
	}
	_, err := s.conn.Write(all.Bytes())
	return err
}

// message is a line as a message.
func (s *Syslog) message(line []byte) []byte {
	line = bytes.TrimSuffix(line, []byte("\n"))
	if !s.stream && len(line) > maxDatagram {
		line = line[:maxDatagram] // a line of ours is never that long
	}
	return fmt.Appendf(nil, "<%d>1 %s %s %s %s audit - %s", priority, time.Now().UTC().Format("2006-01-02T15:04:05.000000Z"), s.host, s.app, s.pid, line)
}

// Close implements Out.
func (s *Syslog) Close() error {
	if s.conn == nil {
		return nil
	}
	err := s.conn.Close()
	s.conn = nil
	return err
}
