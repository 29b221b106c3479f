package ssh

import (
	"context"
	"errors"
	"io/fs"
	"path"

	"github.com/pkg/sftp"

	"github.com/sallyport/sallyport/connectors"
)

// errChanged: somebody at the target put a link, or something else, in the path.
var errChanged error = &connectors.TargetError{Code: "SSH_FX_FAILURE", Text: "what the path leads to changed meanwhile"}

// errElsewhere: they did so while the operation was under way.
var errElsewhere error = &connectors.TargetError{Code: "SSH_FX_FAILURE",
	Text: "what the path leads to changed while it was done: it may have been done to something else"}

// still looks, right before something is changed by its path, whether the call leads
// where it led when it was judged. That may be long ago: somebody had to say yes.
func (c *Conn) still(ctx context.Context, s *sftp.Client, call connectors.FileCall, judged *located) error {
	now, err := c.resolve(ctx, s, call)
	switch was, is := &judged.known, &now.known; {
	case err != nil:
		return err
	case now.missing != nil:
		return now.missing
	case now.call.Path != judged.call.Path, now.call.To != judged.call.To, is.LeadsTo != was.LeadsTo,
		!sameSort(is.Path, was.Path), !sameSort(is.To, was.To), !sameSort(is.Leads, was.Leads):
		return errChanged
	}
	return nil
}

// sameSort reports whether both are files of one sort, or nothing.
func sameSort(a, b fs.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return a.Mode().Type() == b.Mode().Type()
}

// unmoved looks, right after something was changed by its path, whether the directories
// of the paths are still those that were judged. Who puts a link there and takes it away
// again in the time of two requests is not seen.
func (c *Conn) unmoved(ctx context.Context, s *sftp.Client, call connectors.FileCall) error {
	var paths []string
	switch call.Do {
	case connectors.SetStat:
		paths = []string{call.Path}
	case connectors.RenameFile, connectors.Hardlink:
		paths = []string{path.Dir(call.Path), path.Dir(call.To)}
	default:
		paths = []string{path.Dir(call.Path)}
	}
	for _, p := range paths {
		if real, _, err := (resolver{ctx, s}).resolve(p, true); err != nil || real != p {
			return errors.Join(errElsewhere, err)
		}
	}
	return nil
}

// isThat reports whether an open file can be what the path was seen to be: handles have
// no names, but whose file it is, its permissions and its sort are told of both. Its
// size and times change while others write.
func isThat(file *sftp.File, seen fs.FileInfo) (bool, error) {
	opened, err := file.Stat()
	var status *sftp.StatusError
	if errors.As(err, &status) && status.FxCode() == sftp.ErrSSHFxOpUnsupported {
		return true, nil // it cannot be asked
	}
	if err != nil {
		return false, err
	}
	a, aok := opened.Sys().(*sftp.FileStat)
	b, bok := seen.Sys().(*sftp.FileStat)
	return aok && bok && a.UID == b.UID && a.GID == b.GID && opened.Mode() == seen.Mode(), nil
}
