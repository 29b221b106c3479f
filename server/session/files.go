package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
)

// maxFiles is how many operations on files of a session run at a time, files that
// are open included.
const maxFiles = 64

// room takes the place of the one operation that may run, or one of those on files.
// What it returns gives the place back.
func (s *Session) room(a policy.Action) (free func(), ok bool) {
	places := s.running
	if a == policy.ActionFile {
		places = s.files
	}
	select {
	case places <- struct{}{}:
		return func() { <-places }, true
	default:
		return nil, false
	}
}

// File does one operation on files that is over when it returns.
func (s *Session) File(ctx context.Context, ask *Ask, c connectors.FileCall) (connectors.FileAnswer, error) {
	f, ok := s.filer()
	if !ok {
		return connectors.FileAnswer{}, s.noFiles()
	}
	defer s.lease.work()()
	ctx, end := s.bound(ctx)
	defer end(context.Canceled)
	a, err := f.File(ctx, &lineGuard{s: s, ask: ask, end: end}, c) // a listing may be several requests
	return a, s.words(s.because(ctx, err))
}

// OpenFile opens a file. Its operation lasts until the file is closed, ctx ends, or
// the session does.
func (s *Session) OpenFile(ctx context.Context, ask *Ask, c connectors.FileCall) (*File, error) {
	f, ok := s.filer()
	if !ok {
		return nil, s.noFiles()
	}
	busy := s.lease.work() // an approval may be waited for
	defer busy()
	ctx, end := s.bound(ctx)
	writes := c.Do != connectors.ReadFile
	o, err := f.OpenFile(ctx, &guard{s: s, ask: ask, end: end, unwritten: writes}, c)
	switch {
	case !errors.Is(err, errContent):
	case c.Do == connectors.WriteFile:
		o, err = s.hold(ctx, end, ask, c)
	default:
		err = &policy.Refusal{Rule: "files", Reason: "what is written needs a yes, and is a part of what is approved", Hint: "open the file for writing alone, and write it whole"}
	}
	if err != nil {
		err = s.words(s.because(ctx, err))
		end(context.Canceled)
		return nil, err
	}
	return &File{s: s, OpenFile: o, ctx: ctx, end: func() { end(context.Canceled) }}, nil
}

// filer is what reads and changes the target's files.
func (s *Session) filer() (connectors.Filer, bool) {
	if c, ok := s.conn.(connectors.Copier); ok {
		return c.Files(), true
	}
	f, ok := s.conn.(connectors.Filer)
	return f, ok
}

func (s *Session) noFiles() error {
	return &policy.Refusal{Rule: policy.DefaultDeny, Reason: fmt.Sprintf("%q has no files", s.target.Name)}
}

// File is an open file whose errors are for people.
type File struct {
	connectors.OpenFile
	s   *Session
	ctx context.Context
	end func()
}

// words makes an error for people of what reading and writing says.
func (f *File) words(err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return f.s.words(f.s.because(f.ctx, err))
}

// ReadAt reads what its person may see of the file.
func (f *File) ReadAt(b []byte, at int64) (int, error) {
	f.s.lease.touch()
	n, err := f.OpenFile.ReadAt(b, at)
	return n, f.words(err)
}

// WriteAt writes to the target's file.
func (f *File) WriteAt(b []byte, at int64) (int, error) {
	f.s.lease.touch()
	n, err := f.OpenFile.WriteAt(b, at)
	return n, f.words(err)
}

// Set changes attributes of the open file, as a part of its operation.
func (f *File) Set(a connectors.FileAttributes) error { return f.words(f.OpenFile.Set(a)) }

// Close ends the operation.
func (f *File) Close() error {
	defer f.end()
	return f.words(f.OpenFile.Close())
}

// Abort ends it for a requester who went away.
func (f *File) Abort(why error) error {
	defer f.end()
	return f.words(f.OpenFile.Abort(why))
}

// moved is what an operation moved, as evidence keeps it.
func (p *permit) moved(t *connectors.Transfer) recorder.File {
	return recorder.File{Op: p.op, Path: t.Path, Read: t.Read, Written: t.Written, Size: t.Size, From: t.From, SHA256: t.SHA256,
		Unordered: t.Unordered, Whole: t.Whole, Unexamined: p.unexamined.Load(), Set: t.Set}
}

// FileTargets are the resources of which this person may use files, by name.
func (v *Visit) FileTargets() []Target {
	r := v.g.rules.Load()
	view := v.view(r)
	var all []Target
	for _, t := range r.Targets {
		if a := view.Access(t.Resource); a.Open && filesRights(a.Rights) {
			all = append(all, t)
		}
	}
	slices.SortFunc(all, func(a, b Target) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// filesRights reports whether anything may be done to files, by the rights of a
// resource.
func filesRights(rights []policy.Right) bool {
	for _, r := range rights {
		if word, _, _ := strings.Cut(r.What, " "); word == string(policy.ActionFile) && (r.Effect != policy.Deny || len(r.Except) > 0) {
			return true
		}
	}
	return false
}

// crowd says why there is no room for one more operation.
func crowd(a policy.Action) string {
	if a == policy.ActionFile {
		return fmt.Sprintf("%d operations on files are under way in this session, as many as may be", maxFiles)
	}
	return "another operation of this session is running"
}
