package ssh

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"net"
	"testing"
	"time"

	"github.com/pkg/sftp"

	"github.com/sallyport/sallyport/connectors"
)

// liar is a file service that shakes hands, opens everything, and answers the rest
// with one packet of its own: kind, the request's number, and what follows.
func liar(c net.Conn, kind byte, rest []byte) {
	defer c.Close()
	var n [4]byte
	for {
		if _, err := io.ReadFull(c, n[:]); err != nil {
			return
		}
		b := make([]byte, binary.BigEndian.Uint32(n[:]))
		if _, err := io.ReadFull(c, b); err != nil {
			return
		}
		var answer []byte
		switch b[0] {
		case 1: // INIT
			answer = []byte{2, 0, 0, 0, 3}
		case 3, 11: // OPEN, OPENDIR
			answer = append(append([]byte{102}, b[1:5]...), 0, 0, 0, 1, 'h')
		default:
			answer = append(append([]byte{kind}, b[1:5]...), rest...)
		}
		if _, err := c.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(answer))), answer...)); err != nil {
			return
		}
	}
}

// Whatever a file service answers, an operation ends with an error: nothing panics
// where nobody would see to it, and nothing is taken for content.
func TestLyingFileService(t *testing.T) {
	for name, lie := range map[string]struct {
		kind byte
		rest []byte
	}{
		"data that is shorter than it says": {103, []byte{0, 0, 1, 0, 'x'}},
		"data of a length that is cut off":  {103, []byte{0, 0}},
		"data of 4 GiB":                     {103, []byte{0xff, 0xff, 0xff, 0xff}},
		"names that are not there":          {104, []byte{0, 0, 0, 9}},
		"a name that is cut off":            {104, []byte{0, 0, 0, 1, 0, 0, 0, 200, 'x'}},
		"attributes that are cut off":       {105, []byte{0xff, 0xff, 0xff, 0xff, 0}},
		"a status that is cut off":          {101, []byte{0}},
		"a handle":                          {102, []byte{0, 0, 0, 1, 'h'}},
		"nothing known":                     {250, nil},
	} {
		t.Run(name, func(t *testing.T) {
			ours, theirs := net.Pipe()
			go liar(theirs, lie.kind, lie.rest)
			s, err := sftp.NewClientPipe(ours, ours)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			mode := fs.FileMode(0o600)
			for verb, run := range runs {
				c := connectors.FileCall{Do: verb, Path: "/a", To: "/b", Set: connectors.FileAttributes{Mode: &mode}}
				if _, err := within(ctx, func() (connectors.FileAnswer, error) { return run(ctx, s, c) }, nil); err == nil {
					t.Errorf("%s went well", verb)
				}
			}
			if _, _, err := (resolver{ctx, s}).resolve("/a/b", true); err == nil {
				t.Error("a path was resolved")
			}
			f, err := s.Open("/a")
			if err != nil {
				return // the connection is gone
			}
			if err := (source{f}).Stream(0, io.Discard); err == nil || errors.Is(err, io.EOF) {
				t.Errorf("content came: %v", err)
			}
			if n, err := (source{f}).ReadAt(make([]byte, 100), 0); err == nil {
				t.Errorf("%d bytes were read", n)
			}
		})
	}
}

// A file service that lists names without end is not listened to without end.
func TestNamesWithoutEnd(t *testing.T) {
	ours, theirs := net.Pipe()
	name := append([]byte{0, 0, 0, 1, 0, 0, 0, 100}, make([]byte, 100)...)
	name = append(append(name, 0, 0, 0, 0), 0, 0, 0, 0) // no long name, no attributes
	go liar(theirs, sshFxpName, name)
	read := &names{r: ours, most: 10_000}
	s, err := sftp.NewClientPipe(read, ours)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for range 2 { // what one held is free for the next
		ctx, over := read.listing(t.Context())
		_, err = within(ctx, func() (connectors.FileAnswer, error) {
			return runs[connectors.ListDir](ctx, s, connectors.FileCall{Do: connectors.ListDir, Path: "/a"})
		}, nil)
		over()
		if !errors.Is(err, errNames) {
			t.Errorf("listed: %v", err)
		}
		if read.used < read.most || read.used > 2*read.most {
			t.Errorf("%d bytes were taken", read.used)
		}
	}
}
