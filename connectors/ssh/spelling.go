package ssh

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"strings"

	"github.com/pkg/sftp"

	"github.com/sallyport/sallyport/connectors"
)

// Where the target says of itself that it is Windows, one file has many names: in upper
// and lower case, short ones (PROGRA~1), with dots and spaces behind, and those of its
// streams. Rules speak of paths, so that a file is judged by the one name under which
// its directory lists it.

var errSpelling error = &connectors.TargetError{Code: "SSH_FX_FAILURE", Text: "on Windows files go by the names that directories list, without colons, backslashes, and dots or spaces at their end"}

// manyNames reports whether files of the target go by more than one name.
func (c *Conn) manyNames() bool {
	return strings.Contains(strings.ToLower(string(c.client.ServerVersion())), "windows")
}

// spelled is a path as the target's directories spell it. What is not there stays as it
// is, and has a name that can be its only one.
func (c *Conn) spelled(ctx context.Context, s *sftp.Client, p string) (string, error) {
	at := "/"
	for i, name := range strings.Split(strings.Trim(p, "/"), "/") {
		switch {
		case name == "":
			continue
		case i == 0 && len(name) == 2 && name[1] == ':':
			at = "/" + strings.ToUpper(name)
			continue
		case strings.ContainsAny(name, `:\`) || strings.HasSuffix(name, ".") || strings.HasSuffix(name, " "):
			return p, errSpelling
		}
		listed, err := c.listed(ctx, s, at, name)
		if err != nil {
			return p, err
		}
		at = path.Join(at, listed)
	}
	return at, nil
}

// listed is the name under which a directory lists what name stands for.
func (c *Conn) listed(ctx context.Context, s *sftp.Client, dir, name string) (string, error) {
	if strings.HasSuffix(dir, ":") {
		dir += "/" // a drive alone is where one stands on it
	}
	in, over := c.files.names.listing(ctx)
	defer over()
	all, err := within(in, func() ([]fs.FileInfo, error) { return s.ReadDirContext(in, dir) }, nil)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return name, nil
	case err != nil:
		return "", err
	}
	found := ""
	for _, e := range all {
		if e.Name() == name {
			return name, nil
		}
		if strings.EqualFold(e.Name(), name) {
			found = e.Name()
		}
	}
	if found != "" {
		return found, nil
	}
	_, err = within(in, func() (fs.FileInfo, error) { return s.Lstat(path.Join(dir, name)) }, nil)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return name, nil
	case err != nil:
		return "", err
	}
	return "", errSpelling // it is there, by a name that is not listed
}
