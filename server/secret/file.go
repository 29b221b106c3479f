package secret

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/sallyport/sallyport/mask"
)

// fileSource is a secret in a file.
type fileSource struct{ what, path string }

var _ Source = (*fileSource)(nil)

// Get reads the file. One newline at its end is not part of the secret.
func (f *fileSource) Get(ctx context.Context) (mask.Secret, error) {
	if err := ctx.Err(); err != nil {
		return mask.Secret{}, fmt.Errorf("%s: read file %q: %w", f.what, f.path, err)
	}
	b, err := f.read()
	if err != nil {
		return mask.Secret{}, fmt.Errorf("%s: %w", f.what, err)
	}
	return mask.NewSecret(b), nil
}

func (f *fileSource) read() ([]byte, error) {
	// Without O_NONBLOCK, opening a FIFO waits for a writer, perhaps for ever.
	h, err := os.OpenFile(f.path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("file %q does not exist: %w", f.path, ErrMissing)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	defer h.Close()
	// The open file is judged, not the path: that may be another by now.
	info, err := h.Stat()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	if err := f.private(info); err != nil {
		return nil, err
	}
	buf := make([]byte, MaxSize+1)
	defer clear(buf)
	n, err := io.ReadFull(h, buf)
	switch {
	case err == nil:
		return nil, fmt.Errorf("file %q holds more than %d bytes: %w", f.path, MaxSize, ErrUnreadable)
	case !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	b, ended := bytes.CutSuffix(buf[:n], []byte("\n"))
	if ended {
		b = bytes.TrimSuffix(b, []byte("\r"))
	}
	if len(b) == 0 {
		return nil, fmt.Errorf("file %q is empty: %w", f.path, ErrMissing)
	}
	return bytes.Clone(b), nil
}

// private refuses what others than this process's user could read or replace.
func (f *fileSource) private(info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%q is no regular file: %w", f.path, ErrUnreadable)
	}
	if perm := info.Mode().Perm(); perm&0o077 != 0 {
		return fmt.Errorf("file %q has mode %04o, so others can reach it: chmod 600 %q: %w", f.path, perm, f.path, ErrUnsafe)
	}
	// Root may read anybody's file, and its owner may put another credential there.
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Errorf("the owner of file %q cannot be told: %w", f.path, ErrUnsafe)
	}
	if me := os.Geteuid(); int(st.Uid) != me {
		return fmt.Errorf("file %q belongs to user %d, not to %d, who runs the bastion: chown %d %q: %w",
			f.path, st.Uid, me, me, f.path, ErrUnsafe)
	}
	return nil
}
