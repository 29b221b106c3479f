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

// buffer holds an answer.
type buffer struct{ bytes.Buffer }

var errLong = fmt.Errorf("%w: its answer is too long to be shown in another form", connectors.ErrProtocol)

func (*buffer) Head(int, []connectors.Field) error { return nil }

func (b *buffer) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxAnswer {
		return 0, errLong
	}
	return b.Buffer.Write(p)
}

// through hands an answer on as it comes.
type through struct{ io.Writer }

func (through) Head(int, []connectors.Field) error { return nil }

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
