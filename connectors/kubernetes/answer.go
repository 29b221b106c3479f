package kubernetes

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/sallyport/sallyport/connectors"
)

// maxAnswer bounds an answer that is held to be shown in another form: lists come
// in pages, so that one object or page is meant.
const maxAnswer = 64 << 20

// answer takes the answer to a request: what it says is held, or handed on as it
// comes; why the request failed is held.
type answer struct {
	to     io.Writer // nil holds it
	status int
	held   bytes.Buffer
}

var errLong = fmt.Errorf("%w: its answer is too long to be shown in another form", connectors.ErrProtocol)

func (a *answer) Head(status int, _ []connectors.Field) error {
	a.status = status
	return nil
}

func (a *answer) Write(p []byte) (int, error) {
	switch {
	case a.status/100 != 2:
		a.held.Write(p[:min(len(p), max(0, maxStatus-a.held.Len()))])
		return len(p), nil
	case a.to != nil:
		return a.to.Write(p)
	case a.held.Len()+len(p) > maxAnswer:
		return 0, errLong
	}
	return a.held.Write(p)
}

// err is what the server says about why the request failed.
func (a *answer) err() error {
	if a.status/100 == 2 {
		return nil
	}
	return said(a.status, a.held.Bytes())
}

// limited is r that fails, not ends, behind n bytes.
func limited(r io.Reader, n int64) io.Reader { return &limitReader{r, n} }

type limitReader struct {
	r    io.Reader
	left int64
}

var errLimit = errors.New("the answer is too long")

func (l *limitReader) Read(b []byte) (int, error) {
	if l.left <= 0 {
		return 0, errLimit
	}
	n, err := l.r.Read(b[:min(int64(len(b)), l.left)])
	l.left -= int64(n)
	return n, err
}
