package server

import (
	"encoding/base64"
	"io"
	"sync"
	"unicode/utf8"

	"github.com/sallyport/sallyport/connectors"
)

// streams are what a program's outputs are written to: as they are, or with --json
// as objects, one a line, as they come. end says how the program ended; its error
// carries the exit code.
func (c *call) streams() (out, errs io.Writer, end func(connectors.Exit, error) error) {
	if c.flags["--json"] == "" {
		return c.out, c.err, func(e connectors.Exit, err error) error {
			if err != nil {
				return err
			}
			return exited(e)
		}
	}
	var mu sync.Mutex
	o, x := &jsonStream{mu: &mu, w: c.out, name: "stdout"}, &jsonStream{mu: &mu, w: c.out, name: "stderr"}
	return o, x, func(e connectors.Exit, err error) error {
		for _, s := range []*jsonStream{o, x} {
			if ferr := s.flush(); err == nil {
				err = ferr
			}
		}
		if err != nil {
			return err
		}
		row := struct {
			Exit   int    `json:"exit"`
			Signal string `json:"signal,omitempty"`
		}{e.Code, e.Signal}
		passed := exited(e)
		if code, ok := passed.(exitError); ok {
			row.Exit = int(code)
		}
		if err := WriteJSON(c.out, row); err != nil {
			return err
		}
		return passed
	}
}

// jsonStream writes one output of a program as objects: text under its name, and
// what is no text under its name with _base64. Both outputs share a writer, under mu.
type jsonStream struct {
	mu   *sync.Mutex
	w    io.Writer
	name string
	tail []byte // a character that has not come whole
}

func (s *jsonStream) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := append(s.tail, b...)
	n := whole(all)
	s.tail = append([]byte(nil), all[n:]...)
	if err := s.object(all[:n]); err != nil {
		return 0, err
	}
	return len(b), nil
}

// flush writes the beginning of a character that never came whole.
func (s *jsonStream) flush() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.tail
	s.tail = nil
	return s.object(b)
}

func (s *jsonStream) object(b []byte) error {
	switch {
	case len(b) == 0:
		return nil
	case utf8.Valid(b):
		return WriteJSON(s.w, map[string]string{s.name: string(b)})
	}
	return WriteJSON(s.w, map[string]string{s.name + "_base64": base64.StdEncoding.EncodeToString(b)})
}
