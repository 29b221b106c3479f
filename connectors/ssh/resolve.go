package ssh

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"

	"github.com/pkg/sftp"

	"github.com/sallyport/sallyport/connectors"
)

// resolver finds the target's own names of paths. What a file service calls the
// real path is not taken on trust: some only cut dot segments. Each part of it is
// looked at, and links that are left are followed one by one.
type resolver struct {
	ctx context.Context
	s   *sftp.Client
}

// Bounds of a path.
const (
	maxParts = 128
	maxLinks = 40
	maxPath  = 4096
)

// resolve returns the absolute path without links that p leads to, and what is
// there, nil if nothing is. Without follow, what p itself names may be a link. An
// error that is notThere comes with the path as far as the text alone tells it.
func (r resolver) resolve(p string, follow bool) (string, fs.FileInfo, error) {
	if len(p) > maxPath || strings.ContainsRune(p, 0) || !path.IsAbs(p) {
		return p, nil, &connectors.TargetError{Code: "SSH_FX_BAD_MESSAGE", Text: "the path is too long, or none"}
	}
	real, err := r.real(p, follow)
	if err != nil {
		return p, nil, err
	}
	info, link, err := r.look(real, follow)
	if link {
		if real, err = r.walk(p, follow); err == nil {
			info, link, err = r.look(real, follow)
		}
		if link {
			err = &connectors.TargetError{Code: "SSH_FX_FAILURE", Text: "its links change while they are followed"}
		}
	}
	return real, info, err
}

// real is what the target calls the real path.
func (r resolver) real(p string, follow bool) (string, error) {
	ask := p
	if !follow {
		ask = path.Dir(p)
	}
	real, err := within(r.ctx, func() (string, error) { return r.s.RealPath(ask) }, nil)
	if err != nil {
		return "", err
	}
	if !path.IsAbs(real) || len(real) > maxPath {
		return "", fmt.Errorf("%w: its file service gives %.80q as a real path", connectors.ErrProtocol, real)
	}
	if !follow && p != "/" {
		real = path.Join(real, path.Base(p))
	}
	return path.Clean(real), nil
}

// look looks at each part of a path at once: is one of them a link, other than a
// last one that is not to be followed? Of the last it returns what is there; that
// something before it is not there is an error.
func (r resolver) look(p string, follow bool) (last fs.FileInfo, link bool, err error) {
	parts := prefixes(p)
	if len(parts) > maxParts {
		return nil, false, &connectors.TargetError{Code: "SSH_FX_BAD_MESSAGE", Text: "the path has too many parts"}
	}
	infos, errs := make([]fs.FileInfo, len(parts)), make([]error, len(parts))
	_, err = within(r.ctx, func() (struct{}, error) {
		var all sync.WaitGroup
		for i, part := range parts {
			all.Go(func() { infos[i], errs[i] = r.s.Lstat(part) })
		}
		all.Wait()
		return struct{}{}, nil
	}, nil)
	if err != nil {
		return nil, false, err
	}
	for i, info := range infos {
		end := i == len(parts)-1
		switch {
		case errs[i] != nil && end && errors.Is(errs[i], fs.ErrNotExist):
			return nil, false, nil
		case errs[i] != nil:
			return nil, false, errs[i]
		case info.Mode()&fs.ModeSymlink != 0 && (!end || follow):
			return nil, true, nil
		}
		last = info
	}
	return last, false, nil
}

// prefixes are the path and all directories above it, the root first.
func prefixes(p string) []string {
	all := []string{"/"}
	for i := 1; i < len(p); i++ {
		if p[i] == '/' {
			all = append(all, p[:i])
		}
	}
	if p != "/" {
		all = append(all, p)
	}
	return all
}

// walk follows links itself, part by part, as POSIX does.
func (r resolver) walk(p string, follow bool) (string, error) {
	at, rest := "/", strings.Split(strings.Trim(p, "/"), "/")
	for links := 0; len(rest) > 0; {
		part := rest[0]
		rest = rest[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			at = path.Dir(at)
			continue
		}
		next := path.Join(at, part)
		to, err := within(r.ctx, func() (string, error) {
			info, err := r.s.Lstat(next)
			if err != nil || info.Mode()&fs.ModeSymlink == 0 {
				return "", err
			}
			return r.s.ReadLink(next)
		}, nil)
		switch {
		case err != nil && notThere(err) && len(rest) == 0:
			return next, nil
		case err != nil:
			return "", err
		case to == "" || len(rest) == 0 && !follow:
			at = next
			continue
		}
		if links++; links > maxLinks || len(to) > maxPath {
			return "", &connectors.TargetError{Code: "SSH_FX_FAILURE", Text: "too many links"}
		}
		if path.IsAbs(to) {
			at = "/"
		}
		rest = append(strings.Split(strings.Trim(to, "/"), "/"), rest...)
		if len(rest) > maxParts {
			return "", &connectors.TargetError{Code: "SSH_FX_FAILURE", Text: "too many links"}
		}
	}
	return at, nil
}

// carried finds what a link leads to that gets another name: a relative one leads
// elsewhere from there. Whether a hard link to one is to the link or to what it leads
// to depends on the target.
func (r resolver) carried(l *located) error {
	if l.known.Path == nil || l.known.Path.Mode()&fs.ModeSymlink == 0 {
		return nil
	}
	if l.call.Do == connectors.Hardlink {
		return &connectors.TargetError{Code: "SSH_FX_FAILURE", Text: "it is a link, to which no hard link is made"}
	}
	to, err := within(r.ctx, func() (string, error) { return r.s.ReadLink(l.call.Path) }, nil)
	if err == nil {
		l.known.LeadsTo, l.known.Leads, err = r.resolve(absolute(path.Dir(l.call.To), to), true)
	}
	return err
}

// notThere reports whether the target says that there is no such file.
func notThere(err error) bool { return errors.Is(err, fs.ErrNotExist) }
