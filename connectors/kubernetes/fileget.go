package kubernetes

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"github.com/sallyport/sallyport/connectors"
)

// archive is a file in a container as tar reads it: once, from its beginning.
type archive struct {
	f   filer
	ctx context.Context
	at  place
}

// maxTail bounds what may follow the file in an archive: zeros, to a full record.
const maxTail = 1 << 20

// ReadAt cannot be: tar has read the file already.
func (a archive) ReadAt([]byte, int64) (int, error) { return 0, errWhole("reading parts of one") }

// Stream writes the file's content from an offset on. Before the first byte passes, the
// archive has said that it is this file and no other, and the path was looked at again.
func (a archive) Stream(from int64, w io.Writer) error {
	if strings.Contains(a.at.path, `\`) {
		return fmt.Errorf("%w: tar reads a backslash in a name in more than one way; print the file by exec", connectors.ErrUnsupported)
	}
	ctx, cancel := context.WithCancel(a.ctx)
	defer cancel()
	r, pipe := io.Pipe()
	type result struct {
		failure *toolFailure
		err     error
	}
	ran := make(chan result, 1)
	go func() {
		failure, err := a.f.run(ctx, a.at, nil, pipe, "tar", "-C", path.Dir(a.at.path), "-cf", "-", "./"+path.Base(a.at.path))
		_ = pipe.CloseWithError(io.ErrUnexpectedEOF) // a whole archive ends before that
		ran <- result{failure, err}
	}()
	err := a.content(ctx, r, from, w)
	if err == nil || errors.Is(err, io.EOF) {
		// The archive is over, and tar is about to be.
		defer time.AfterFunc(a.f.c.options.Grace, cancel).Stop()
		if terr := tail(r); terr != nil {
			err = terr
		}
	}
	_ = r.CloseWithError(errEnough) // ends tar, if it still writes
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		cancel()
	}
	got := <-ran
	return a.verdict(err, got.failure, got.err)
}

// content is the one file of the archive.
func (a archive) content(ctx context.Context, r io.Reader, from int64, w io.Writer) error {
	t := tar.NewReader(r)
	h, err := t.Next()
	switch {
	case err != nil:
		return err
	case h.Typeflag != tar.TypeReg || path.Clean(h.Name) != path.Base(a.at.path) || path.IsAbs(h.Name):
		return errNotAsked
	}
	if err := a.f.still(ctx, a.at); err != nil {
		return err
	}
	if _, err := io.CopyN(io.Discard, t, min(from, h.Size)); err != nil {
		return err
	}
	if _, err := io.Copy(w, t); err != nil {
		return err
	}
	if _, err := t.Next(); !errors.Is(err, io.EOF) {
		return errNotAsked
	}
	return nil
}

var errNotAsked = fmt.Errorf("%w: the archive holds something else than the file that was asked for", connectors.ErrProtocol)

// tail takes what stands behind the end of an archive, which is little.
func tail(r io.Reader) error {
	n, _ := io.CopyN(io.Discard, r, maxTail)
	if n == maxTail {
		return errNotAsked
	}
	return nil
}

// verdict is how the reading ended. What tar says of itself counts where the archive
// came to no good end; of a file that grew meanwhile, what was there is taken, and one
// that shrank is padded with zeros that it never held.
func (a archive) verdict(err error, failure *toolFailure, ran error) error {
	switch {
	case err != nil && (errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)):
		if ran != nil {
			return ran
		}
		if failure != nil {
			return failure.words()
		}
		return fmt.Errorf("%w: the archive has no end", connectors.ErrProtocol)
	case errors.Is(err, tar.ErrHeader), errors.Is(err, tar.ErrFieldTooLong), errors.Is(err, tar.ErrWriteTooLong):
		return fmt.Errorf("%w: what it sends is no archive", connectors.ErrProtocol)
	case err != nil:
		return err
	case ran != nil:
		return ran
	case failure != nil && (failure.code != 1 || failure.says("shrank", "shorter", "short read")):
		return failure.words()
	}
	return nil
}
