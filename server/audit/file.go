package audit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync/atomic"
)

// File appends to a file, mode 0600. One that was moved away is opened anew.
type File struct {
	path   string
	f      *os.File
	reopen atomic.Bool
}

// NewFile returns the Out of a path. The file is opened with the first line.
func NewFile(path string) *File { return &File{path: path} }

// Reopen implements Reopener.
func (f *File) Reopen() { f.reopen.Store(true) }

// Send implements Out: the lines are synced.
func (f *File) Send(_ context.Context, lines [][]byte) error {
	if err := f.open(); err != nil {
		return err
	}
	var all []byte
	for _, l := range lines {
		all = append(all, l...)
	}
	_, err := f.f.Write(all)
	if err == nil {
		err = f.f.Sync()
	}
	if err != nil { // it may have written a part: opening anew begins a new line
		err = errors.Join(err, f.Close())
	}
	return err
}

func (f *File) open() error {
	if f.f != nil && !f.reopen.Swap(false) && f.same() {
		return nil
	}
	if err := f.Close(); err != nil {
		return err
	}
	o, err := os.OpenFile(f.path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	if err := whole(o); err != nil {
		return errors.Join(err, o.Close())
	}
	f.f = o
	return nil
}

// same says whether the path still leads to the file that is open.
func (f *File) same() bool {
	now, err := os.Stat(f.path)
	open, oerr := f.f.Stat()
	return err == nil && oerr == nil && os.SameFile(now, open)
}

// whole refuses a file that others may read and ends a line that was cut off.
func whole(o *os.File) error {
	info, err := o.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%q: others may touch it, or it is no file: chmod 600", o.Name())
	}
	if info.Size() == 0 {
		return nil
	}
	last := make([]byte, 1)
	if _, err := o.ReadAt(last, info.Size()-1); err != nil {
		return err
	}
	if last[0] != '\n' {
		_, err = o.WriteString("\n")
	}
	return err
}

// Close implements Out.
func (f *File) Close() error {
	if f.f == nil {
		return nil
	}
	err := f.f.Close()
	f.f = nil
	if errors.Is(err, fs.ErrClosed) {
		return nil
	}
	return err
}
