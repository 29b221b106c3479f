package redisserver

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
)

// reader speaks RESP2 to a server that is trusted, of its own: what the driver reads
// is compared with it.
type reader struct {
	c net.Conn
	r *bufio.Reader
}

func newReader(c net.Conn) *reader { return &reader{c, bufio.NewReader(c)} }

func (r *reader) do(args []string) (any, error) {
	b := fmt.Appendf(nil, "*%d\r\n", len(args))
	for _, a := range args {
		b = fmt.Appendf(b, "$%d\r\n%s\r\n", len(a), a)
	}
	if _, err := r.c.Write(b); err != nil {
		return nil, err
	}
	return r.answer()
}

func (r *reader) answer() (any, error) {
	line, err := r.r.ReadString('\n')
	if err != nil {
		return nil, err
	}
	if len(line) < 3 {
		return nil, errors.New("an empty line")
	}
	kind, text := line[0], line[1:len(line)-2]
	if kind == '+' {
		return text, nil
	}
	if kind == '-' {
		return nil, errors.New(text)
	}
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil:
		return nil, err
	case kind == ':':
		return n, nil
	case n < 0:
		return nil, nil
	case kind == '$':
		b := make([]byte, n+2)
		_, err := io.ReadFull(r.r, b)
		return string(b[:n]), err
	case kind != '*':
		return nil, fmt.Errorf("an answer of kind %q", kind)
	}
	out := make([]any, n)
	for i := range out {
		v, err := r.answer()
		var ne net.Error
		if err != nil && (errors.Is(err, io.EOF) || errors.As(err, &ne)) {
			return nil, err
		}
		if out[i] = v; err != nil {
			out[i] = err
		}
	}
	return out, nil
}
